"""What the kill table examines: planted bugs, the styles that they are planted in, and odd ones that are right."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.cases.case import Case
from tests.planted.bugs.bug import BASE
from tests.planted.bugs.harmless import HARMLESS
from tests.planted.classes import PLANTED, Planted
from tests.planted.gathers import STYLES
from tests.planted.odd import RIGHT


@dataclass(frozen=True)
class Subject:
    """An implementation, right or wrong."""

    name: str
    contract: str
    placed: Callable[[Path], str]
    """Writes it to a folder, where that is needed, and returns what `--impl` is to name."""
    key: str
    """What it consists of: answers are kept by it."""
    bug: Planted | None = None
    """None where it is right."""
    most_rows: int = 1 << 40
    """Rows of the largest results that the interpreter makes in reasonable time."""

    def takes(self, case: Case) -> bool:
        """Whether the interpreter examines it on a case in reasonable time: what is right, on none that is heavy."""
        rows = max([case.seq_len_sum, *(of.seq_len_sum for of in case.calls)])
        return rows <= self.most_rows and not (self.bug is None and case.heavy)


def _written(name: str, text: str) -> Callable[[Path], str]:
    def placed(folder: Path) -> str:
        path = folder / f"{name.replace('/', '_').replace('-', '_')}.py"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return placed


def _of_bug(bug: Planted) -> Subject:
    style, text = STYLES[bug.style], bug.source()
    return Subject(bug.id, style.contract, _written(bug.id, text), text, bug, style.most_rows)


def _right() -> list[Subject]:
    right = [
        Subject(
            f"right/{style.name}",
            style.contract,
            _written(style.name, style.source()),
            style.source(),
            most_rows=style.most_rows,
        )
        for style in STYLES.values()
    ]
    for bug in HARMLESS:
        placed = _written(bug.name, bug.source())
        right.append(Subject(f"right/{bug.name}", "strict", placed, bug.source()))
    for odd in RIGHT:
        if not odd.is_slow:
            key = f"{odd.file} {odd.edits} {BASE.read_text(encoding='utf-8')}"
            right.append(Subject(f"right/{odd.name}", odd.contract, odd.placed, key))
    return right


SUBJECTS = {subject.name: subject for subject in [*map(_of_bug, PLANTED), *_right()]}
