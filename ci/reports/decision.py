"""What a job comes to, and how much there is of something, in words. Needs the standard library only."""

from enum import IntEnum


class Decision(IntEnum):
    """What a job came to; its value is the exit code."""

    CLEAN = 0
    FINDINGS = 1
    UNDECIDED = 2
    """It could not decide, or could not do its job."""

    @property
    def word(self) -> str:
        """The verdict in reports, unless a job has words of its own."""
        return self.name.lower()


def counted(number: int, noun: str) -> str:
    """Return `1 finding`, `2 findings`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
