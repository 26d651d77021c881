"""SGLang's fused gather: `_get_k_and_s_triton` of the installed PyPI package `sglang`, out of its own file.

Only the one file is executed. What it imports from the rest of SGLang decides between vendors' code paths and is
answered here, for NVIDIA GPUs and for Triton's interpreter, so that none of SGLang's own dependencies are needed:
`pip install --no-deps sglang==0.5.23` is enough.
"""

import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

KERNEL_FILE = "kernels/ops/kvcache/dsa_index_k_cache.py"
"""Where the release keeps the kernel, below the package's folder; 0.5.23 is the one that this was written against."""


def _no() -> bool:
    return False


_ANSWERS: dict[str, dict[str, Any]] = {
    "sglang.kernels.ops.quantization.fp8_kernel": {"is_fp8_fnuz": _no},
    "sglang.srt.layers.attention.dsa.utils": {
        "INDEXER_K_CACHE_PRESHUFFLE_TILE": 16,
        "aiter_can_use_preshuffle_paged_mqa": _no,
    },
    "sglang.srt.utils": {"is_hip": _no, "is_xpu": _no},
}


@contextmanager
def _answered_imports() -> Iterator[None]:
    """Answer the kernel file's imports from `_ANSWERS` while it is executed."""
    names = {".".join(name.split(".")[:depth]) for name in _ANSWERS for depth in range(1, name.count(".") + 2)}
    before = {name: sys.modules.get(name) for name in names}
    for name in names:
        sys.modules[name] = ModuleType(name)
        vars(sys.modules[name]).update(_ANSWERS.get(name, {}))
    try:
        yield
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


def _load() -> Callable[..., tuple[torch.Tensor, torch.Tensor]]:
    package = importlib.util.find_spec("sglang")
    if package is None or not package.submodule_search_locations:
        raise ImportError("the package sglang is not installed: pip install --no-deps sglang==0.5.23")
    path = Path(package.submodule_search_locations[0]) / KERNEL_FILE
    if not path.is_file():
        raise ImportError(f"this sglang keeps its gather elsewhere: there is no {path}")
    name = f"{__name__}_kernel"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    with _answered_imports():
        spec.loader.exec_module(module)
    return module._get_k_and_s_triton


get_k_and_s = _load()
