"""pyproject.toml's dependencies, held against what a Python has. Needs the standard library only."""

import re
from collections.abc import Callable, Sequence
from importlib import metadata

_REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)\s*(?P<ranges>[^;\[]*)")
_RANGE = re.compile(r"\s*(?P<operator>>=|<=|==|<|>)\s*(?P<version>[0-9][^\s,]*)\s*")


def lacking(requirements: Sequence[str], installed: Callable[[str], str | None]) -> list[str]:
    """Return the requirements that are not met, in their order.

    Args:
        requirements: such as `torch>=2.9` or `numpy>=2.0,<3`.
        installed: returns the version of a package, or None where it is not installed.

    Raises:
        ValueError: a requirement is written in a way that is not understood here.
    """
    return [requirement for requirement in requirements if not _met(requirement, installed)]


def installed_version(name: str) -> str | None:
    """Return the version of a package of this Python, or None."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _met(requirement: str, installed: Callable[[str], str | None]) -> bool:
    parsed = _REQUIREMENT.fullmatch(requirement.strip())
    ranges = [_RANGE.fullmatch(part) for part in parsed["ranges"].split(",")] if parsed and parsed["ranges"] else []
    if parsed is None or None in ranges:
        raise ValueError(f"dependency {requirement!r}: expected a name and ranges of >=, <=, ==, < or >")
    version = installed(parsed["name"])
    return version is not None and all(_within(_numbers(version), found) for found in ranges if found)


def _within(version: tuple[int, ...], wanted: re.Match[str]) -> bool:
    bound = _numbers(wanted["version"])
    length = max(len(version), len(bound))
    have, limit = (numbers + (0,) * (length - len(numbers)) for numbers in (version, bound))
    return {
        ">=": have >= limit,
        "<=": have <= limit,
        "==": have == limit,
        "<": have < limit,
        ">": have > limit,
    }[wanted["operator"]]


def _numbers(version: str) -> tuple[int, ...]:
    """Return the numbers that a version begins with.

    `2.13.0+cpu` is 2.13.0, and a vendor's `2.9.0a0+5228986c39` counts as the 2.9.0 that it is a build of.
    """
    release = re.match(r"[0-9]+(\.[0-9]+)*", version)
    return tuple(int(number) for number in release[0].split(".")) if release else ()
