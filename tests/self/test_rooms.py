"""Does each room import from rooms below it only, without cycles between files, or between jobs?

Imports inside functions and those for type checkers alone count as well: a reader follows them all the same.
"""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path, PurePosixPath

import pytest

from tests import ROOT
from tests.self.commands import project_files

Graph = dict[str, set[str]]
"""What each file imports, by paths from the project's root."""


@dataclass(frozen=True)
class Room:
    """Files that belong together. A room may import from the rooms above its row in the table, which lie below it."""

    name: str
    files: tuple[str, ...]
    """Patterns of paths. The room with the longest pattern that fits has a file."""
    shuns: tuple[str, ...] = ()
    """Rooms below that it must do without all the same."""


ROOMS = (
    Room("kernels", ("kernels/**",)),
    Room("reference", ("reference/**",), shuns=("kernels",)),
    Room("root", ("tests/__init__.py",), shuns=("kernels", "reference")),
    Room("contract", ("tests/contract.py",), shuns=("kernels", "reference")),
    Room("cases", ("tests/cases/**",), shuns=("kernels",)),
    Room("calls", ("tests/calls/**",)),
    Room("instruments", ("tests/instruments/**",)),
    Room("latency", ("tests/latency/**",)),
    Room("examine", ("tests/examine/**",), shuns=("latency",)),
    Room("plugin", ("conftest.py", "tests/plugin/**")),
    Room("planted", ("tests/planted/**",), shuns=("examine", "latency")),
    Room("suite", ("tests/test_*.py",), shuns=("planted",)),
    Room("reports", ("ci/__init__.py", "ci/processes.py", "ci/reports/**"), shuns=("suite", "planted", "plugin")),
    Room("set-up", ("ci/setup/**",), shuns=("suite", "planted", "plugin")),
    Room("jobs", ("ci/**",), shuns=("suite",)),
    Room("commands", ("ci/gate", "ci/test", "ci/setup/start.py"), shuns=("suite",)),
    Room("self", ("tests/self/**",)),
)
"""The house, from the ground up."""


def room_of(path: str, rooms: tuple[Room, ...] = ROOMS) -> Room:
    """Return the room that a file belongs to.

    Raises:
        LookupError: it lies in none.
    """
    fitting = [(len(pattern), room) for room in rooms for pattern in room.files if _fits(path, pattern)]
    if fitting:
        return max(fitting, key=lambda found: found[0])[1]
    raise LookupError(f"{path} lies in no room: {Path(__file__).name} has the table")


def _fits(path: str, pattern: str) -> bool:
    folder = pattern.removesuffix("**")
    return path.startswith(folder) if folder != pattern else PurePosixPath(path).match(pattern)


def wrong_imports(graph: Graph, rooms: tuple[Room, ...] = ROOMS) -> list[str]:
    """Return a line for each import that leads up, or into a room that must be done without."""
    return [
        f"{path} ({upper.name}) imports {imported} ({lower.name})"
        for path, imports in sorted(graph.items())
        for imported in sorted(imports)
        if (upper := room_of(path, rooms)) != (lower := room_of(imported, rooms))
        if rooms.index(lower) > rooms.index(upper) or lower.name in upper.shuns
    ]


def between_jobs(graph: Graph) -> Graph:
    """Return what each room imports from other rooms, each job of `ci/` being a room of its own."""
    jobs: Graph = {}
    for path, imports in graph.items():
        importing = _room_or_job(path)
        jobs.setdefault(importing, set()).update({_room_or_job(imported) for imported in imports} - {importing})
    return jobs


def _room_or_job(path: str) -> str:
    room = room_of(path).name
    return "/".join(path.split("/")[:2]) if room == "jobs" else room


def cycle_in(graph: Graph) -> list[str]:
    """Return the members of a cycle of imports, none if there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def import_graph(sources: Mapping[str, str]) -> Graph:
    """Return what each file imports of the others.

    Args:
        sources: text of each file, by its path.
    """
    modules = {_module_of(path): path for path in sources}
    return {
        path: {modules[name] for name in _imported(ast.parse(text), path, modules) if name in modules} - {path}
        for path, text in sources.items()
    }


def _module_of(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _imported(tree: ast.Module, path: str, modules: Mapping[str, str]) -> Iterator[str]:
    """Yield the modules that a file imports; a module of a package counts, not the package that it is taken from."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = path.split("/")[: -node.level] if node.level else []
            source = ".".join([*package, *([node.module] if node.module else [])])
            for alias in node.names:
                inner = f"{source}.{alias.name}"
                yield inner if inner in modules else source
        elif isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == "pytest_plugins" for target in node.targets
        ):
            names = ast.literal_eval(node.value)
            yield from (names,) if isinstance(names, str) else names


@cache
def project() -> Graph:
    """Return the project's own import graph; the two commands are start files, and import from `ci/setup` alone."""
    paths = project_files("*.py", "ci/gate", "ci/test")
    return import_graph({path: (ROOT / path).read_text(encoding="utf-8") for path in paths})


def test_rooms_import_from_rooms_below():
    assert wrong_imports(project()) == []


def test_no_cycle_between_files():
    assert cycle_in(project()) == []


def test_no_cycle_between_rooms_and_jobs():
    assert cycle_in(between_jobs(project())) == []


def test_every_room_has_files():
    inhabited = {room_of(path).name for path in project()}
    assert inhabited == {room.name for room in ROOMS}
    assert len(project()) > 100


@pytest.mark.parametrize(
    ("path", "line", "into"),
    [
        ("tests/cases/tables.py", "from kernels.plan import cut", "kernels/plan.py"),
        ("reference/byte_loop.py", "import kernels.plan", "kernels/plan.py"),
        ("kernels/gather.py", "from reference import indexing", "reference/indexing.py"),
        ("tests/calls/inputs.py", "from tests.examine import call", "tests/examine/call.py"),
        ("tests/latency/machine.py", "def f():\n    from ci import processes", "ci/processes.py"),
        ("tests/examine/call.py", "if TYPE_CHECKING:\n    import tests.plugin.order", "tests/plugin/order.py"),
        ("tests/examine/call.py", "from ..plugin import order", "tests/plugin/order.py"),
        ("conftest.py", "pytest_plugins = ['ci.setup.start']", "ci/setup/start.py"),
        ("ci/cost/tables.py", "from tests.self.fakes import Clock", "tests/self/fakes.py"),
        ("ci/gate", "from tests.test_values import test_rows_are_right", "tests/test_values.py"),
    ],
)
def test_an_import_that_leads_up_is_told(path, line, into):
    assert [told.split()[0::3] for told in wrong_imports(import_graph({path: line, into: ""}))] == [[path, into]]


def test_imports_that_lead_down_are_clean():
    graph = import_graph({"tests/examine/call.py": "from tests.calls.inputs import Call", "tests/calls/inputs.py": ""})
    assert graph == {"tests/examine/call.py": {"tests/calls/inputs.py"}, "tests/calls/inputs.py": set()}
    assert wrong_imports(graph) == cycle_in(graph) == []


def test_a_cycle_within_a_room_is_told():
    graph = import_graph(
        {
            "ci/speed/clocks.py": "from ci.speed.measure import sides",
            "ci/speed/measure.py": "def f():\n    from ci.speed import table",
            "ci/speed/table.py": "import ci.speed.clocks",
        }
    )
    assert set(cycle_in(graph)) == set(graph)


def test_a_cycle_between_jobs_is_told():
    graph = import_graph(
        {
            "ci/speed/sides.py": "import ci.latency.base",
            "ci/latency/base.py": "",
            "ci/latency/page.py": "import ci.speed.table",
            "ci/speed/table.py": "",
        }
    )
    assert cycle_in(graph) == []
    assert set(cycle_in(between_jobs(graph))) == {"ci/speed", "ci/latency"}


def test_a_file_in_no_room_is_told():
    with pytest.raises(LookupError, match=r"tools/new\.py lies in no room"):
        room_of("tools/new.py")
