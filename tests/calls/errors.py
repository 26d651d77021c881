"""Errors in words."""

import re


class Foreseen(Exception):
    """Something that may well happen, such as a busy GPU; the text is a sentence for the user.

    Whoever starts a job or a process catches this class and prints the text; any other error is a fault of the
    harness or of what it examines, and is told with its class.
    """


class NeedsGpu(Foreseen):
    """What is examined cannot be without a GPU."""


def short(error: BaseException) -> str:
    """Return an error in one line."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else '(no text)'}"


def lacks_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out: Python's, torch's, or CUDA's, which has no class of its own."""
    is_such = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    return is_such or "out of memory" in str(error)


def exception_line(text: str) -> str:
    """Return the line of what a process said that names its error.

    That is the first line below the frames of its last traceback: CUDA's errors go on below it, with advice. Without a
    traceback it is the last line that begins with an error's name, or the last line; empty if there is none.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    starts = [place for place, line in enumerate(lines) if line.startswith("Traceback (most recent call last)")]
    if starts:
        below = [line.strip() for line in lines[starts[-1] + 1 :] if not line.startswith(" ")]
        if below:
            return below[0]
    named = [line.strip() for line in lines if re.match(r"[\w.]+(Error|Exception)\b.*:", line)]
    return (named or [line.strip() for line in lines] or [""])[-1]
