"""What the examination of one case came to. Data, which travels from the worker that examined to whoever judges."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from tests.contract import Rule
from tests.examine.finding import Finding

PROVES_NOTHING = "raises on good arguments too, so that refusing bad ones proves nothing"
"""Why a case with a bad argument is not decided, if that is so."""
_NO_MEMORY = "out of memory"
_NO_MEMORY_SIGNS = ("OutOfMemoryError", "raised MemoryError", "can't allocate memory", _NO_MEMORY)


@dataclass(frozen=True)
class Examined:
    """What one test of one case reported. A case may be examined by several tests."""

    case: str
    """Id of the case, `family/name`."""
    findings: tuple[Finding, ...] = ()
    undecided: str | None = None
    """Why the test could not decide, if it could not. The same reason for many cases is the same text."""
    not_run: str | None = None
    """Why the case was left out, if it was."""
    refused: tuple[str, ...] = ()
    """Functions that raised a `ValueError` where rules 9 and 10 allow it."""
    right: tuple[str, ...] = ()
    """Functions that returned rows, all of which were right."""
    notes: tuple[str, ...] = ()
    """What the reader has to know of the examination, such as a GPU that was pretended."""

    def with_memory(self, other: Self) -> Self:
        """Return what two examinations of the case, in memories of two kinds, say together."""
        return replace(
            self,
            findings=(*self.findings, *(found for found in other.findings if found not in self.findings)),
            undecided=self.undecided or other.undecided,
            refused=tuple(dict.fromkeys([*self.refused, *other.refused])),
            right=tuple(function for function in self.right if function in other.right),
        )

    def excused(self) -> Self:
        """Return the same with findings that only say "out of memory" turned into "could not decide"."""
        excused = [finding for finding in self.findings if _only_lacks_memory(finding)]
        if not excused:
            return self
        kept = tuple(finding for finding in self.findings if finding not in excused)
        return replace(self, findings=kept).without_memory(f"in {excused[0].function}: {excused[0].message}")

    def without_memory(self, why: str) -> Self:
        """Return the same, undecided for lack of memory unless it is for another reason."""
        return replace(self, undecided=self.undecided or f"{_NO_MEMORY} {why}")

    @property
    def lacked_memory(self) -> bool:
        """Whether it could not be decided for lack of memory."""
        return self.undecided is not None and self.undecided.startswith(_NO_MEMORY)

    @property
    def is_clean(self) -> bool:
        """Whether the test ran and found nothing."""
        return not self.is_unclean and self.not_run is None

    @property
    def is_unclean(self) -> bool:
        """Whether there are findings, or no decision."""
        return bool(self.findings) or self.undecided is not None

    @property
    def state(self) -> str:
        """How it came out, in a word or two."""
        if self.findings:
            return "findings"
        return "could not decide" if self.undecided is not None else "not run" if self.not_run else "clean"

    def as_json(self) -> dict[str, Any]:
        """Return this as a JSON object."""
        return {**asdict(self), "findings": [finding.as_json() for finding in self.findings]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return what `as_json` wrote."""
        lists = {name: tuple(data[name]) for name in ("refused", "right", "notes")}
        return cls(**{**data, **lists, "findings": tuple(map(Finding.from_json, data["findings"]))})


def _only_lacks_memory(finding: Finding) -> bool:
    """Whether a finding only says that the machine had too little memory, which no rule forbids.

    A call that has to be refused (rule 14) is different: one that runs out of memory was not refused.
    """
    return finding.rule is not Rule.BAD_ARGUMENTS and any(sign in finding.message for sign in _NO_MEMORY_SIGNS)
