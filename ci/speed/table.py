"""Figures as tables for a terminal, and the last line of a run. Formatting only."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from ci.reports.console import table_of
from ci.speed.figures import COPY, Ratio, Row, Summary, Workload, rows

EAGER_MARK = "*"
EAGER_NOTE = (
    f"{EAGER_MARK} waits for the device, so no CUDA graph holds it: kernel time is the sum of its kernels as CUPTI "
    "records them, without the gaps between; host time includes the wait"
)


def of_workloads(workloads: Sequence[Workload]) -> Table:
    """Return a row for each workload and side."""
    headings = ("workload", "side", "cold us", "warm us", "host us", "launches", "GB/s", "to copy", "in place")
    table = table_of(headings, headings[:2])
    for workload in workloads:
        table.add_section()
        for place, row in enumerate(rows(workload)):
            style = "dim" if row.side == COPY else "bold" if row.side == "own" else ""
            table.add_row(
                workload.name if place == 0 else "",
                row.side + EAGER_MARK * row.is_eager,
                f"{row.cold_us:.2f}",
                f"{row.warm_us:.2f}",
                f"{row.host_us:.1f}",
                "-" if row.launches is None else f"{row.launches:,}",
                f"{row.gb_per_s:,.0f}",
                f"{row.to_copy:.2f}",
                in_place(row),
                style=style,
            )
    return table


def in_place(row: Row) -> str:
    """Return the microseconds that a layer takes longer than with the copy."""
    return "-" if row.in_place_us is None else f"{row.in_place_us:+.2f}"


def of_summaries(summaries: Sequence[Summary]) -> Table:
    """Return a row an implementation: geometric means over the stated workloads, and the worst of them."""
    ratios = ("to copy", "worst", "to sglang", "worst")
    means = "geometric means"
    table = table_of(
        (means, *ratios, "host us", "over floor", "host to sglang", "page 1 to 64", "worst in place"), (means,)
    )
    for summary in summaries:
        table.add_row(
            summary.side,
            *_ratio(summary.to_copy),
            *_ratio(summary.to_peer),
            f"{summary.host_us:.1f}",
            f"{summary.host_us - summary.host_floor_us:+.1f}",
            _ratio(summary.host_to_peer)[0],
            "-" if summary.one_token_pages is None else f"{summary.one_token_pages:.2f}",
            "-" if summary.in_place is None else "{:+.2f} {}".format(*summary.in_place),
        )
    return table


IN_PLACE_NOTE = (
    "in place: microseconds that a layer takes longer than with the copy, between a kernel that floods the L2 and one "
    "that reads K and S"
)


def floor_note(summaries: Sequence[Summary]) -> str:
    """Return what the host's floor is."""
    return f"Host floor: an empty Triton launch and one torch.empty, {summaries[0].host_floor_us:.1f} us"


def _ratio(ratio: Ratio | None) -> tuple[str, str]:
    return ("-", "-") if ratio is None else (f"{ratio.mean:.3f}", f"{ratio.worst:.2f} {ratio.worst_in}")


def last_line(summaries: Sequence[Summary], stated: int) -> Text:
    """Return the geometric means in one line."""
    told = ", ".join(f"{summary.side} {summary.to_copy.mean:.3f}" for summary in summaries)
    return Text(f"speed: times a copy of the same bytes, geometric mean over {stated} workloads: {told}")
