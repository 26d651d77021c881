"""Findings as a page shows them: each with a picture of the pages that its wrong rows came from."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ci.report.html import folded, text
from ci.reports.decision import counted
from ci.reports.step_summary import by_fault, cases_of, functions_of

MOST_SHOWN = 40
"""Faults in full; the rest are counted."""
PAGE_SIZE = 64
"""Tokens of a page in a picture, unless a token lies beyond."""
_ROW = re.compile(
    r"row (?P<row>\d+) \(sequence (?P<sequence>\d+), token (?P<token>\d+)\): (?P<part>[KS]) is (?P<held>.*?), "
    r"should be (?P<should>page (?P<page>\d+) token (?P<slot>\d+)|zeros[^;]*)"
)
_PLACE = re.compile(r"page (\d+) token (\d+)")


@dataclass(frozen=True)
class WrongRow:
    """One row that a finding describes."""

    row: int
    part: str
    held: str
    """What it holds, in words."""
    came_from: tuple[int, int] | None
    """Page and token, if what it holds tells them."""
    should_come_from: tuple[int, int] | None
    """Page and token; None where it should be zeros."""


def wrong_rows(message: str) -> list[WrongRow]:
    """Return the rows that a finding's message describes; none where it is about something else."""
    found = []
    for each in _ROW.finditer(message):
        place = _PLACE.search(each["held"])
        came = (int(place[1]), int(place[2])) if place else None
        should = (int(each["page"]), int(each["slot"])) if each["page"] else None
        found.append(WrongRow(int(each["row"]), each["part"], each["held"], came, should))
    return found


def findings(of: Sequence[Mapping[str, Any]]) -> str:
    """Return findings of an examination: the first of each fault, each folded but for the first."""
    faults = by_fault(of)
    shown = [_fault(fault, is_open=number == 0) for number, fault in enumerate(faults[:MOST_SHOWN])]
    more = f"<p>and {len(faults) - MOST_SHOWN} more faults, in the JSON report</p>" if len(faults) > MOST_SHOWN else ""
    return f"<p>{counted(len(of), 'finding')} of {counted(len(faults), 'fault')}</p>" + "".join(shown) + more


def _fault(fault: Sequence[Mapping[str, Any]], *, is_open: bool) -> str:
    message, what = str(fault[0].get("message", "")), str(fault[0].get("fault", ""))[:80]
    title = f"rule {fault[0].get('rule', '-')}, {what or 'fault'}: {cases_of(fault)} ({functions_of(fault)})"
    picture = "".join(_picture(row) for row in wrong_rows(message))
    return folded(f'<span class="bad">{text(title)}</span>', f"<p>{text(message)}</p>{picture}", is_open=is_open)


def _picture(row: WrongRow) -> str:
    size = max([PAGE_SIZE, *(place[1] + 1 for place in (row.came_from, row.should_come_from) if place)])
    came = _strip("came from", row.came_from, row.held, "var(--bad)", 14, size)
    should = _strip("should come from", row.should_come_from, "zeros", "var(--good)", 44, size)
    label = f"row {row.row} of {row.part} is {row.held}"
    return (
        f'<figure class="pages"><figcaption>row {row.row} of {text(row.part)}</figcaption>'
        f'<svg viewBox="0 0 340 66" style="max-width: 30rem" role="img" aria-label="{text(label)}">'
        f"{came}{should}</svg></figure>"
    )


def _strip(title: str, place: tuple[int, int] | None, instead: str, colour: str, top: int, size: int) -> str:
    words = f"{title} page {place[0]} token {place[1]}" if place else f"{title}: {instead}"[:60]
    line = f'<text x="0" y="{top - 3}" font-size="10">{text(words)}</text>'
    if place is None:
        return line
    frame = f'<rect x="0.5" y="{top}" width="330" height="13" fill="none" stroke="var(--faint)"/>'
    width = 330 / size
    mark = f'<rect x="{place[1] * width:.1f}" y="{top}" width="{max(width, 3):.1f}" height="13" fill="{colour}"/>'
    return line + frame + mark
