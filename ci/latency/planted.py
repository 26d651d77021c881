"""What the gate says of code that is the same, and of slowdowns that were planted. Pure: from draws to counts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.latency.cell_verdict import CellVerdict, NeedsConfirmation, Step
from tests.latency.decision import confirm, next_step
from tests.latency.samples import CellSamples
from tests.latency.thresholds import LOOKS, PROMISES


@dataclass(frozen=True)
class Found:
    """What the first process of a gate says of a cell into which a slowdown was planted."""

    cell_id: str
    microseconds: float
    """Of a call without the slowdown."""
    ratio: float | None
    """Measured; None if the figures allowed no estimate."""
    said: str

    @property
    def is_promised(self) -> bool:
        """Whether the cell is slower by as much as the gate promises to find in a cell of its duration."""
        least = min(p.slowdown for p in PROMISES if self.microseconds >= p.from_microseconds)
        return self.ratio is not None and self.ratio >= 1 + least

    @property
    def is_flagged(self) -> bool:
        """Whether a second process would be asked to confirm that it is slower."""
        return self.said == "flagged SLOWER"

    def as_json(self) -> dict[str, Any]:
        """Return the finding as a JSON object."""
        return {"ratio": self.ratio, "said": self.said, "is_promised": self.is_promised}


def decided(samples: CellSamples, family: int, fresh: CellSamples) -> list[str]:
    """Return what a gate says again and again of the same code, each decision on draws that no other has seen.

    Args:
        samples: of one process.
        family: number of cells that a run decides on.
        fresh: draws of another process, 24 or more, which confirm or refute a flag.
    """
    said = []
    rest = samples.draws
    controls = samples.controls
    while len(rest) >= LOOKS[0]:
        step = next_step(CellSamples(samples.cell, rest[: LOOKS[-1]], controls), family, min(len(rest), LOOKS[-1]))
        used = step.draws if isinstance(step, CellVerdict) and step.draws else len(rest)
        if isinstance(step, NeedsConfirmation):
            said.append(f"{confirm([step], {samples.cell: fresh})[samples.cell].kind.name} after a flag")
        else:
            said.append(said_of(step))
        rest = rest[used:]
        controls = {name: draws[used:] for name, draws in controls.items()}
    return said


def said_of(step: Step) -> str:
    """Return what is said of a cell, in a word or two."""
    if isinstance(step, NeedsConfirmation):
        return f"flagged {step.kind.name}"
    return step.kind.name if isinstance(step, CellVerdict) else "INCONCLUSIVE"


def turned(samples: CellSamples) -> CellSamples:
    """Return samples with their sides exchanged: a slower side was measured as the base, because a base is a folder."""
    draws = tuple(type(draw)(draw.head, draw.base) for draw in samples.draws)
    return CellSamples(samples.cell, draws, samples.controls)


def found(samples: CellSamples, family: int) -> Found:
    """Return what is said of a cell whose head is the slower side."""
    step = next_step(samples, family)
    figures = step.suspicion if isinstance(step, NeedsConfirmation) else step
    if not isinstance(figures, CellVerdict):
        return Found(samples.cell.id, 0.0, None, said_of(step))
    return Found(samples.cell.id, figures.base_microseconds or 0.0, figures.ratio, said_of(step))


def range_told(findings: Sequence[Found]) -> str:
    """Return the smallest and the largest slowdown, in words."""
    ratios = [(each.ratio, each.cell_id) for each in findings if each.ratio is not None]
    if not ratios:
        return "nothing measured"
    (low, low_cell), (high, high_cell) = min(ratios), max(ratios)
    return f"from {100 * (low - 1):+.1f} % ({low_cell}) to {100 * (high - 1):+.1f} % ({high_cell})"


def tally(findings: Iterable[Found]) -> str:
    """Return how many of the slowdowns that are promised to be found were flagged, and which were not."""
    promised = [each for each in findings if each.is_promised]
    missed = [each for each in promised if not each.is_flagged]
    told = f"of {len(promised)} planted slowdowns as large as promised, {len(promised) - len(missed)} were flagged"
    names = ", ".join(f"{each.cell_id} ({100 * ((each.ratio or 1) - 1):+.1f} %, {each.said})" for each in missed)
    return f"{told}; not: {names}" if missed else told
