"""What the latency gate shows: the table, the last line, the page."""

import pytest

from ci.latency import table
from tests.latency.cell_verdict import CellVerdict, Kind, Stage, overall
from tests.latency.decision import same_by_identity, unmeasured
from tests.latency.samples import Cell
from tests.self.consoles import shown

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
