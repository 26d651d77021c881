"""What a planted bug is: lines of the correct gather, what stands there instead, and how it must be caught."""

from dataclasses import dataclass
from pathlib import Path

from tests.planted.edits import Change

BASE = Path(__file__).parent.with_name("gather.py")


@dataclass(frozen=True, kw_only=True)
class Bug(Change):
    """A bug: what to replace in the correct gather, and how it must be caught."""

    path: Path = BASE
    rules: tuple[int, ...]
    """Rules of which at least one finding must cite one."""
    cases: tuple[str, ...]
    """Cases that must each show the bug."""
    says: str = ""
    """Words that a finding's message must hold."""
    needs_gpu: bool = False
    """It is one of a GPU's streams, which the interpreter does not have."""


LAST_LINES = "    return k, s\n\n\ndef get_k_and_s"
LAUNCH = "        _planted_kernel[grid](\n            buf,"
