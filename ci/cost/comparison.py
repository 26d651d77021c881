"""Is it what was accepted? Figures against a baseline. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ci.cost.baseline import Baseline
from ci.cost.figures import DEPENDS_ON, Measured, Value
from ci.reports.decision import Decision


class CostVerdict(StrEnum):
    """How a count ends."""

    SAME = "same"
    NOT_COMPARED = "not compared"
    """There is no baseline for the implementation."""
    CHANGED = "changed"
    UNDECIDED = "undecided"

    @property
    def decision(self) -> Decision:
        """What that comes to: nothing speaks against the figures, some changed, or it could not be decided."""
        decisions = {CostVerdict.CHANGED: Decision.FINDINGS, CostVerdict.UNDECIDED: Decision.UNDECIDED}
        return decisions.get(self, Decision.CLEAN)


@dataclass(frozen=True)
class Change:
    """A figure that is not the accepted one."""

    figure: str
    was: Value | None
    """None: there was no such figure."""
    now: Value | None
    """None: there is no such figure any more."""

    def __str__(self) -> str:
        return f"{self.figure}: was {_told(self.was)}, is {_told(self.now)}"


@dataclass(frozen=True)
class Comparison:
    """What a baseline has to say about what was measured."""

    verdict: CostVerdict
    changes: Sequence[Change]
    compared: int
    """Figures that were held against the baseline."""
    not_applicable: str = ""
    """Why groups of figures were not compared, if they were not."""


def compare(measured: Measured, baseline: Baseline | None) -> Comparison:
    """Hold what was measured against what was accepted.

    Every difference is a change, in either direction: a gain, too, is written down by accepting it. What could not be
    counted is no change. Figures are compared under the versions that they depend on.
    """
    if baseline is None:
        return Comparison(CostVerdict.UNDECIDED if measured.troubles else CostVerdict.NOT_COMPARED, (), 0)
    changes: list[Change] = []
    compared = 0
    left_out: list[str] = []
    for name, figures in measured.figures().items():
        accepted = baseline[name]
        others = [of for of in DEPENDS_ON[name] if accepted.versions.get(of) != measured.versions[of]]
        if others:
            then, now = (
                ", ".join(f"{of} {versions.get(of)}" for of in others)
                for versions in (accepted.versions, measured.versions)
            )
            left_out.append(
                f"{len(accepted.figures)} {name} figures do not apply: they were accepted with {then}, this is {now}"
            )
            continue
        compared += len(accepted.figures)
        changes += _changes(accepted.figures, figures, tuple(measured.uncounted))
    not_applicable = "; ".join(left_out)
    if changes:
        return Comparison(CostVerdict.CHANGED, changes, compared, not_applicable)
    return Comparison(CostVerdict.UNDECIDED if measured.troubles else CostVerdict.SAME, (), compared, not_applicable)


def _changes(was: Mapping[str, Value], now: Mapping[str, Value], uncounted: tuple[str, ...]) -> Iterator[Change]:
    for figure in sorted({*was, *now}):
        if was.get(figure) != now.get(figure) and not (uncounted and figure.startswith(uncounted)):
            yield Change(figure, was.get(figure), now.get(figure))


def _told(value: Value | None) -> str:
    if value is None:
        return "none"
    return f"{value:,}" if isinstance(value, int) else value
