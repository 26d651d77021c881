"""Running examined code, which may raise anything."""

import inspect
import os
import sys
import sysconfig
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests import ROOT
from tests.calls.errors import Foreseen, short
from tests.calls.forked import ended_children
from tests.calls.interruption import is_interrupted

_HARNESS = [("tests", folder) for folder in ("calls", "cases", "examine", "instruments", "plugin")]
_LIBRARIES = ("torch", "triton", "numpy", "_pytest", "pluggy")
"""Where examined code's errors come from without being of its making."""


class ReturnedTwice(Exception):
    """What stands for an error that examined code did not raise: two processes came back from one call."""


@dataclass(frozen=True)
class Raised:
    """What examined code raised."""

    error: BaseException
    text: str
    """Its class and the first line of what it says."""
    place: str
    """File and line of the examined code that it came from, or nothing."""

    def __str__(self) -> str:
        return f"raised {self.text}" + (f" ({self.place})" if self.place else "")

    def show(self) -> None:
        """Print the traceback, for the log."""
        traceback.print_exception(self.error, file=sys.stderr)


def attempt(function: Callable[..., Any], *arguments: Any) -> tuple[Any, Raised | None]:
    """Call examined code; return what it returned, or else what it raised, whatever that is.

    Raises:
        Foreseen: the harness's own reason, which says nothing of the examined code.
        KeyboardInterrupt: the user's wish; one that examined code raises is none.
    """
    result, raised = None, None
    with ended_children() as children:
        try:
            result = function(*arguments)
        except Foreseen:
            raise
        except BaseException as error:
            raised = Raised(error, _text(error), _place(error) or _definition(function))
    if is_interrupted():
        raise KeyboardInterrupt
    if children.returned_twice:
        told = ReturnedTwice("it forked, and returned in the child as well")
        raised = Raised(told, short(told), _definition(function))
    return result, raised


def _text(error: BaseException) -> str:
    try:
        return short(error)
    except BaseException:  # its text is examined code too
        return f"{type(error).__name__}: (its text cannot be had)"


def _place(error: BaseException) -> str:
    """Return the innermost line that is none of the harness's or of a library's."""
    place, told = "", list[BaseException]()
    reason: BaseException | None = error
    while reason is not None and not any(reason is of for of in told):
        told.append(reason)
        if isinstance(reason, SyntaxError) and reason.filename and _is_examined(reason.filename):
            place = f"{Path(reason.filename).name} line {reason.lineno}"
        for frame, line in traceback.walk_tb(reason.__traceback__):
            if _is_examined(frame.f_code.co_filename):
                place = f"{Path(frame.f_code.co_filename).name} line {line}"
        # What the interpreter raises has the kernel's own error for its cause.
        reason = reason.__cause__
    return place


def _definition(function: Callable[..., Any]) -> str:
    """Return where a function begins: it may not have come to its first line."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is None or not _is_examined(code.co_filename):
        return ""
    return f"{Path(code.co_filename).name} line {code.co_firstlineno}"


@cache
def _is_examined(file: str) -> bool:
    if not os.path.isabs(file):
        return False
    path = Path(file)
    # First: an environment may lie below the project.
    if any(path.is_relative_to(folder) for folder in _libraries()):
        return False
    if path.is_relative_to(ROOT):
        folders = path.relative_to(ROOT).parts
        return folders[0] != "ci" and folders[:1] + folders[1:2] not in _HARNESS
    return not file.startswith(sysconfig.get_path("stdlib")) or "-packages" in file


def _libraries() -> list[Path]:
    modules = [sys.modules.get(name) for name in _LIBRARIES]
    return [Path(module.__file__).parent for module in modules if module is not None and module.__file__]
