"""Figures as tables."""

from collections.abc import Mapping

from rich.table import Table
from rich.text import Text

from ci.cost.figures import CountedCall, Measured
from ci.reports.console import table_of

COLUMNS = {
    "launches": "launches",
    "torch operations": "torch ops",
    "waits for the device": "waits",
    "programs": "programs",
    "idle programs": "idle",
    "bytes read of buf": "buf",
    "bytes read of page_indices": "page_indices",
    "bytes read of seq_lens": "seq_lens",
    "bytes read of other memory": "other",
    "bytes written": "written",
}
"""Figures of a call, and the headings of their columns; those in bytes come with the multiple of the least."""


def of_calls(measured: Measured) -> Table:
    """Return a row a call: what it did, and how many times the least bytes it moved."""
    title = "counted on the interpreter; bytes read of buf, tables and lengths, (times the least)"
    words = ("workload", "function")
    table = table_of((*words, *COLUMNS.values()), words, title)
    for call in measured.calls:
        table.add_row(call.workload, call.function, *(_cell(call, name) for name in COLUMNS))
    return table


def _cell(call: CountedCall, name: str) -> Text:
    value, least = call.figures.get(name), call.least.get(name)
    if value is None:
        return Text("", style="dim")
    if value == 0:
        return Text("-", style="dim")
    if name.startswith("bytes") and least:
        times = value / least
        multiple = "(1)" if value == least else f"({times:.3g})"
        return Text.assemble(f"{value:,} ", (multiple, "dim" if value == least else ""))
    is_more = name != "programs" and least is not None and value > least and name != "idle programs"
    return Text(f"{value:,}", style="yellow" if is_more else "")


def of_code(measured: Measured) -> Table:
    """Return a row for each machine code and target: how long it is, what it needs, what its loads and stores move."""
    triton = measured.versions["triton"]
    title = f"machine code by Triton {triton}; loads and stores of global memory as bytes x instructions"
    headings = ("code", "calls", "target", "bytes", "registers", "spilled", "shared", "loads", "stores")
    table = table_of(headings, ("code", "target", "loads", "stores"), title)
    for code in measured.codes:
        table.add_section()
        for place, (target, figures) in enumerate(code.by_target.items()):
            first = (code.name, str(len(code.used_by))) if place == 0 else ("", "")
            needs = (figures["registers"], figures["spill bytes"], figures["shared bytes"])
            table.add_row(
                *first,
                target,
                f"{figures['code bytes']:,}",
                *(Text(f"{need:,}") if need else Text("-", style="dim") for need in needs),
                _moves(figures, "loads"),
                _moves(figures, "stores"),
            )
    return table


def _moves(figures: Mapping[str, int], what: str) -> str:
    """Return `16x8 4x1` for 8 loads of 16 bytes and one of 4."""
    widths = {int(name.split()[2]): number for name, number in figures.items() if name.startswith(f"{what} of ")}
    told = [f"{width}x{number}" for width, number in sorted(widths.items(), reverse=True)]
    if what == "loads" and figures.get("bulk copies"):
        told.append(f"bulk x{figures['bulk copies']}")
    return " ".join(told)
