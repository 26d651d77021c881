"""What the latency gate shows: the table, the last line, the page."""

import re
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest

from ci.latency import html_report, table
from tests.latency.cell_verdict import CellVerdict, Kind, Stage, overall
from tests.latency.decision import same_by_identity, unmeasured
from tests.latency.samples import Cell
from tests.self.consoles import shown
from tests.self.latency.simulated_clock import REALISTIC, samples_of

CELL, SMALL, HOST = Cell("32x4k", "get_k_and_s"), Cell("1x128", "get_k"), Cell("1x1m", "get_k_and_s", "host")
SLOWER = CellVerdict(
    CELL,
    Kind.SLOWER,
    Stage.CONFIRMATION,
    "+5.1 % (99 % interval +4.9 to +5.3 %), confirmed on 16 fresh draws in a second process",
    16,
    1.051,
    (1.049, 1.053),
    14.6,
    15.34,
)
SAME = CellVerdict(SMALL, Kind.SAME, Stage.SCREENING, "not slower by 4 % or more", 8, 0.999, (0.99, 1.008), 1.6, 1.598)
OPEN = unmeasured(HOST, "the measurement is invalid: the clock returned times of zero or less")
IDENTICAL = same_by_identity(Cell("8x1k", "get_s"))


class TestTable:
    """The terminal."""

    def test_a_row_a_cell(self):
        rows = shown(table.of_verdicts([SLOWER, SAME, OPEN, IDENTICAL, IDENTICAL]))
        assert "workload function base us head us ratio 99 % interval draws verdict" in rows
        assert "32x4k get_k_and_s 14.60 15.34 1.051 1.049 to 1.053 16 SLOWER" in rows
        assert "1x128 get_k 1.60 1.60 0.999 0.990 to 1.008 8 SAME" in rows
        assert "1x1m get_k_and_s (host) - - - - - INCONCLUSIVE" in rows
        assert "2 cells - - - - - - SAME, machine code and launch are identical" in rows

    def test_reasons_of_what_is_not_same(self):
        told = " ".join(shown(table.of_verdicts([SLOWER, SAME, OPEN])))
        assert f"SLOWER 32x4k/get_k_and_s: {SLOWER.reason}" in told
        assert f"INCONCLUSIVE 1x1m/get_k_and_s (host): {OPEN.reason}" in told
        assert SAME.reason not in told

    @pytest.mark.parametrize(
        ("verdicts", "line"),
        [
            ([SLOWER, OPEN, SAME], "latency: SLOWER in 1 of 3 cells, most in 32x4k/get_k_and_s: +5.1 %"),
            ([OPEN, SAME], "latency: could not decide on 1 of 2 cells, first 1x1m/get_k_and_s (host)"),
            ([SAME], "latency: none of 1 cell is slower"),
            ([], "latency: could not decide, nothing was measured"),
        ],
    )
    def test_last_line(self, verdicts, line):
        assert table.last_line(overall(verdicts)).plain == line


class TestPage:
    """The HTML report."""

    @staticmethod
    def _page(verdicts: Sequence[CellVerdict], blind: Sequence[str] = ()) -> str:
        draws = samples_of(CELL, REALISTIC, np.random.default_rng(1), 14.6, 0.05, 16)
        return html_report.page(verdicts, {CELL: draws}, {"base": "abc1234 <merge base>", "GPU": "H100"}, blind)

    def test_one_well_formed_file_without_other_resources(self):
        page = self._page([SLOWER, SAME, OPEN, IDENTICAL])
        parser = _Balanced()
        parser.feed(page)
        assert parser.open_tags == []
        assert not {"script", "link", "img", "iframe"} & parser.tags
        assert "http" not in page
        assert "@import" not in page
        assert "url(" not in page
        assert "prefers-color-scheme: dark" in page

    def test_every_cell_with_its_reason_worst_first(self):
        page = self._page([IDENTICAL, SAME, OPEN, SLOWER])
        rows = page[page.index("<tbody>") :]
        places = [rows.index(verdict.cell.workload) for verdict in (SLOWER, OPEN, SAME, IDENTICAL)]
        assert places == sorted(places)
        for verdict in (SLOWER, OPEN, SAME, IDENTICAL):
            assert verdict.reason in rows
        assert '<td class="number">1.049 to 1.053</td>' in rows
        assert "1 more: machine code and launch are identical" in page

    def test_the_plot_shows_intervals_and_draws(self):
        page = self._page([SLOWER, SAME, OPEN])
        plot = ElementTree.fromstring(page[page.index("<svg") : page.index("</svg>") + 6])
        assert len(plot.findall("g")) == 2, "a cell without sound figures has no row"
        slower = plot.findall("g")[0]
        assert (slower.findtext("title") or "").startswith("32x4k/get_k_and_s: SLOWER, ratio 1.0510, +4.9 to +5.3 %")
        draws = [circle for circle in slower.findall("circle") if circle.get("r") == "2"]
        assert len(draws) == 16
        zone = slower.find("rect")
        assert zone is not None
        right_of_zone = float(zone.get("x", "")) + float(zone.get("width", ""))
        assert all(float(circle.get("cx", "")) > right_of_zone for circle in draws), (
            "5 % is right of the minimum effect"
        )

    def test_headline_facts_and_warnings(self):
        page = self._page([SLOWER], ["1x128/get_k cannot see a slowdown of 10 %: it sees them from +20.0 %"])
        assert "<title>latency: SLOWER in 1 of 1 cell, most in 32x4k/get_k_and_s: +5.1 %</title>" in page
        assert "<dt>base</dt><dd>abc1234 &lt;merge base&gt;</dd>" in page
        assert "cannot see a slowdown of 10 %" in page

    @pytest.mark.parametrize("verdicts", [[], [OPEN], [IDENTICAL]])
    def test_nothing_measured(self, verdicts):
        assert "Nothing was measured." in self._page(verdicts)

    def test_huge_changes_stay_on_the_plot(self):
        huge = replace(SLOWER, ratio=9.0, interval=(8.0, 10.0))
        page = self._page([huge])
        places = [float(place) for place in re.findall(r'cx="([\d.]+)"', page)]
        assert max(places) <= 1000


class _Balanced(HTMLParser):
    """Notes which tags there are, and which stay open."""

    VOID = frozenset({"meta"})

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.open_tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)
        if tag not in self.VOID:
            self.open_tags.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open_tags.pop() == tag
