"""Errors in words."""


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
