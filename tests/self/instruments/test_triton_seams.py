"""Triton's private parts are named in one file, and listeners to launches see what they should."""

import ast

import pytest
import torch
import triton

from tests import ROOT
from tests.instruments.triton_seams import interpreted_launches
from tests.self.instruments.two_kernels import specialised

SEAMS = ROOT / "tests" / "instruments" / "triton_seams.py"
HOOKS = {"launch_enter_hook", "launch_exit_hook", "jit_cache_hook", "jit_post_compile_hook"}
FILES = [
    file
    for folder in ("tests", "ci")
    for file in sorted((ROOT / folder).rglob("*.py"))
    if file != SEAMS and not file.is_relative_to(ROOT / "tests" / "self")
]


def is_private(name: str) -> bool:
    parts = name.split(".")
    of_triton = parts[0] == "triton"
    return of_triton and (parts[1:2] == ["runtime"] or any(p.startswith("_") and p[:2] != "__" for p in parts))


def reaches(source: str) -> list[str]:
    """Return what a file does to Triton that only the seams may, a line each."""
    tree = ast.parse(source)
    names: dict[str, str] = {}
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.asname or "triton": alias.name for alias in node.names if alias.name.startswith("triton")}
            found += [f"{node.lineno}: imports {alias.name}" for alias in node.names if is_private(alias.name)]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            is_seam = node.module == "tests.instruments.triton_seams"
            if is_seam or node.module.split(".")[0] == "triton":
                module = "triton" if is_seam else node.module
                for alias in node.names:
                    names[alias.asname or alias.name] = f"{module}.{alias.name}"
                    if is_private(f"{module}.{alias.name}"):
                        found.append(f"{node.lineno}: imports {module}.{alias.name}")
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            name = ast.unparse(node)
            root = name.split(".")[0]
            if root in names and (is_private(names[root] + name[len(root) :]) or node.attr in HOOKS):
                found.append(f"{node.lineno}: uses {name}")
            elif root in names and not isinstance(node.ctx, ast.Load):
                found.append(f"{node.lineno}: sets {name}")
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("setattr", "delattr"):
            root = ast.unparse(node.args[0]).split(".")[0]
            if root in names:
                found.append(f"{node.lineno}: sets {ast.unparse(node.args[0])}")
    return found


def test_one_file_reaches_into_triton():
    found = [f"{file.relative_to(ROOT)}:{reach}" for file in FILES for reach in reaches(file.read_text())]
    assert found == []
    assert len(FILES) > 100


@pytest.mark.parametrize(
    "source",
    [
        "import triton\ntriton.language.load = None",
        "import triton.language as tl\nsetattr(tl.core, 'load', None)",
        "import triton.language as tl\ntl.standard._sum_combine",
        "import triton\ntriton.knobs.runtime.jit_cache_hook",
        "from triton.runtime import driver",
        "import triton\ntriton.runtime.driver.active",
        "from triton._C.libtriton import ir",
        "from tests.instruments.triton_seams import InterpretedFunction\nInterpretedFunction.run = None",
    ],
)
def test_a_reach_into_triton_is_seen(source):
    assert reaches(source)


@pytest.mark.skipif(not triton.knobs.runtime.interpret, reason="listening needs TRITON_INTERPRET=1")
class TestInterpretedLaunches:
    def test_the_innermost_listener_comes_first_and_may_keep_a_launch(self):
        memory = torch.zeros(3, dtype=torch.int64)
        heard: list[object] = []

        def outer(launch, run):
            heard.append("outer")
            run()

        def inner(launch, run):
            heard.append(("inner", launch.axes(), launch.named, launch.options))
            run()

        def keeping(launch, run):
            heard.append("kept")

        with interpreted_launches(outer):
            with interpreted_launches(inner):
                specialised[(3,)](memory, 5, SIZE=1, num_warps=2)
            assert heard == [("inner", (3,), {"SIZE": 1}, {"num_warps": 2}), "outer"]
            assert memory.any()
            memory.zero_()
            with interpreted_launches(keeping):
                specialised[(3,)](memory, 5, SIZE=1)
        assert heard[2:] == ["kept"]
        assert not memory.any()
        specialised[(3,)](memory, 5, SIZE=1)
        assert len(heard) == 3

    def test_a_warm_up_is_no_launch(self):
        def hear(launch, run):
            pytest.fail("heard")

        with interpreted_launches(hear):
            specialised.run(torch.zeros(1), 5, SIZE=1, grid=(1,), warmup=True)
