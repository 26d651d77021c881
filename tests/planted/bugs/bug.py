"""What a planted bug is: lines of the correct gather, what stands there instead, and how it must be caught."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

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


def cites(*rules: int, on: str | tuple[str, ...], says: str = "") -> dict[str, Any]:
    """Return how a bug must be caught: by findings that cite one of these rules, on each of these cases."""
    return {"rules": rules, "cases": (on,) if isinstance(on, str) else on, "says": says}


# Lines of the gather that bugs replace, and what they do with them.

CHECK = "    check_arguments(*arguments)\n"
NEW_K = "    k = torch.empty((seq_len_sum, index_head_dim), dtype=torch.uint8, device=buf.device)"
LAST_LINES = "    return k, s\n\n\ndef get_k_and_s"
LAUNCH = "        _planted_kernel[grid](\n            buf,"


def after_the_check(*statements: str) -> dict[str, str]:
    """Return the edit that has the host execute statements first of all on good arguments."""
    return {CHECK: CHECK + "".join(f"    {statement}\n" for statement in statements)}


def at_the_end(*statements: str) -> dict[str, str]:
    """Return the edit that has the host execute statements before it returns k and s."""
    return {LAST_LINES: "".join(f"    {statement}\n" for statement in statements) + LAST_LINES}


def kept(name: str) -> dict[str, str]:
    """Return the edit that gives the module a dict of things to keep."""
    return {"BLOCK = 32\n": f"BLOCK = 32\n{name} = {{}}\n"}


def constant(name: str, value: str) -> dict[str, str]:
    """Return the edits that compile the kernel for what the host computes."""
    return {
        "    WITH_S: tl.constexpr,\n": f"    WITH_S: tl.constexpr,\n    {name}: tl.constexpr,\n",
        "            WITH_S=with_s,\n": f"            WITH_S=with_s,\n            {name}={value},\n",
    }
