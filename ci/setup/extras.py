"""Dependencies that only one job or one implementation needs. Needs the standard library only."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Extra:
    """An optional dependency."""

    name: str
    """Among `optional-dependencies` of pyproject.toml."""
    packages: tuple[str, ...]
    """What is imported of it."""
    asked_by: str
    """What on the command line needs it."""
    is_required: bool = True
    """Whether the job cannot go on without it."""
    is_alone: bool = False
    """Whether it is installed without what it depends on."""


SGLANG = Extra("sglang", ("sglang",), "--impl sglang", is_alone=True)
NVML = Extra("latency", ("pynvml",), "the state of the GPU", is_required=False)
Z3 = Extra("prove", ("z3",), "prove")
RUPTURES = Extra("history", ("ruptures",), "history trend")
MATPLOTLIB = Extra("report", ("matplotlib",), "report", is_required=False)
DEVELOPMENT = Extra("dev", ("ruff", "mypy"), "./ci/test", is_required=False)


def of_implementations(*names: str) -> list[Extra]:
    """Return what implementations need, as `--impl` names them."""
    return [SGLANG] if any(name.partition(":")[0] == "sglang" for name in names) else []
