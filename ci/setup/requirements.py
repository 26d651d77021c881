"""pyproject.toml's dependencies, held against what a Python has. Needs the standard library only."""

from collections.abc import Callable, Sequence
from importlib import metadata


def lacking(requirements: Sequence[str], installed: Callable[[str], str | None]) -> list[str]:
    """Return the requirements that are not met, in their order.

    A vendor's `2.9.0a0+5228986c39` counts as the 2.9.0 that it is a build of.

    Args:
        requirements: such as `torch>=2.9` or `numpy>=2.0,<3`.
        installed: returns the version of a package, or None where it is not installed.

    Raises:
        ValueError: a requirement or a version is written in a way that is not understood.
    """
    try:
        from packaging.requirements import Requirement
        from packaging.version import Version
    except ImportError:  # pytest, which is required, brings it
        return list(requirements)

    def is_met(requirement: Requirement) -> bool:
        version = installed(requirement.name)
        return version is not None and requirement.specifier.contains(Version(version).base_version)

    return [text for text in requirements if not is_met(Requirement(text))]


def installed_version(name: str) -> str | None:
    """Return the version of a package of this Python, or None."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
