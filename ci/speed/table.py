"""Figures as tables for a terminal, and the last line of a run. Formatting only."""

from collections.abc import Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from ci.speed.figures import COPY, Ratio, Row, Summary, Workload, rows

EAGER_MARK = "*"
EAGER_NOTE = (
    f"{EAGER_MARK} waits for the device, so no CUDA graph holds it: kernel time is the sum of its kernels as CUPTI "
    "records them, without the gaps between; host time includes the wait"
)
HEADINGS = ("cold us", "warm us", "host us", "launches", "GB/s", "to copy")


def of_workloads(workloads: Sequence[Workload]) -> Table:
    """Return a row for each workload and side."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("workload")
    table.add_column("side")
    for heading in HEADINGS:
        table.add_column(heading, justify="right")
    for workload in workloads:
        table.add_section()
        for place, row in enumerate(rows(workload)):
            style = "dim" if row.side == COPY else "bold" if row.side == "own" else ""
            table.add_row(workload.name if place == 0 else "", marked(row), *cells(row), style=style)
    return table


def marked(row: Row) -> str:
    """Return a side's name, with the mark of those that no graph holds."""
    return row.side + EAGER_MARK * row.is_eager


def cells(row: Row) -> list[str]:
    """Return a row's figures, as many as there are headings."""
    return [
        f"{row.cold_us:.2f}",
        f"{row.warm_us:.2f}",
        f"{row.host_us:.1f}",
        "-" if row.launches is None else f"{row.launches:,}",
        f"{row.gb_per_s:,.0f}",
        f"{row.to_copy:.2f}",
    ]


def of_summaries(summaries: Sequence[Summary]) -> Table:
    """Return a row an implementation: geometric means over the stated workloads, and the worst of them."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("geometric means")
    for heading in SUMMARY_HEADINGS:
        table.add_column(heading, justify="right")
    for summary in summaries:
        table.add_row(summary.side, *summary_cells(summary))
    return table


SUMMARY_HEADINGS = ("to copy", "worst", "to sglang", "worst", "host us", "over floor", "host to sglang", "page 1 to 64")


def summary_cells(summary: Summary) -> list[str]:
    """Return a summary's figures, as many as there are headings."""
    return [
        *_ratio(summary.to_copy),
        *_ratio(summary.to_peer),
        f"{summary.host_us:.1f}",
        f"{summary.host_us - summary.host_floor_us:+.1f}",
        _ratio(summary.host_to_peer)[0],
        "-" if summary.one_token_pages is None else f"{summary.one_token_pages:.2f}",
    ]


def floor_note(summaries: Sequence[Summary]) -> str:
    """Return what the host's floor is."""
    return f"Host floor: an empty Triton launch and one torch.empty, {summaries[0].host_floor_us:.1f} us"


def _ratio(ratio: Ratio | None) -> tuple[str, str]:
    return ("-", "-") if ratio is None else (f"{ratio.mean:.3f}", f"{ratio.worst:.2f} {ratio.worst_in}")


def last_line(summaries: Sequence[Summary], stated: int) -> Text:
    """Return the geometric means in one line."""
    told = ", ".join(f"{summary.side} {summary.to_copy.mean:.3f}" for summary in summaries)
    return Text(f"speed: times a copy of the same bytes, geometric mean over {stated} workloads: {told}")
