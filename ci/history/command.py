"""`./ci/gate history`: stored runs as tables, comparisons and trends."""

import math
import sys
from argparse import Namespace
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from rich.console import Console

from ci.history import export
from ci.history.choice import Kept, kept_of, named, sides
from ci.history.comparison import Difference, differences
from ci.reports.console import table_of
from ci.reports.decision import Decision, counted
from ci.reports.reporter import Reporter
from tests.calls.errors import Foreseen
from tests.calls.files import NotWritten
from tests.latency import history
from tests.latency.cell_verdict import percent, span
from tests.latency.storage import key_of, read_all


def main(options: Namespace, start: Sequence[str], console: Console | None = None) -> int:
    """Do what is asked; return 0, 1 if a comparison or a trend shows something slower, 2 if there is no answer."""
    reporter = Reporter("history", options.report, console)
    return reporter.of(lambda: _History(options, reporter).run())


def day_of(kept: Kept) -> str:
    """Return when a run was, in UTC."""
    return datetime.fromtimestamp(kept.run.about.seconds_since_epoch, UTC).strftime("%Y-%m-%d %H:%M")


def commit_of(kept: Kept) -> str:
    """Return the commit of a run, short, and whether files differed."""
    commit = kept.run.about.commit or "unversioned"
    return commit[:10] + "-dirty" * commit.endswith("-dirty")


class _History:
    def __init__(self, options: Namespace, reporter: Reporter) -> None:
        self._options = options
        self._reporter = reporter
        self._say = reporter.say
        self._folder = options.store or history.FOLDER
        machines, left_out = read_all(self._folder)
        self._kept = kept_of(machines, options.implementation)
        if options.action != "export":  # whose output is read by others
            reporter.section("left out", left_out, "yellow")
        self._left_out = left_out

    def run(self) -> int:
        if not self._kept:
            raise Foreseen(f"no stored run of {self._options.implementation} in {self._folder}")
        return int(getattr(self, f"_{self._options.action}")())

    def _told(self, decision: Decision, line: str, **content: Any) -> int:
        about = {"action": self._options.action, "implementation": self._options.implementation}
        return self._reporter.told({**about, "left_out": list(self._left_out), **content}, decision, line)

    def _list(self) -> int:
        words = ("run", "time", "way", "commit", "branch", "base", "verdict")
        for machine in dict.fromkeys(each.machine for each in self._kept):
            table = table_of((*words, "cells"), words, str(machine))
            for each in (each for each in self._kept if each.machine == machine):
                about = each.run.about
                of_code = commit_of(each), about.branch or "-", about.base or "-"
                table.add_row(
                    each.number, day_of(each), about.way, *of_code, about.verdict or "-", str(len(each.run.cells))
                )
            self._reporter.console.print(table)
        runs = [
            {"run": each.run.name, "machine": asdict(each.machine), **asdict(each.run.about)} for each in self._kept
        ]
        return self._told(Decision.CLEAN, counted(len(self._kept), "stored run"), runs=runs)

    def _show(self) -> int:
        for each in named(self._options.names[0], self._kept):
            about = each.run.about
            self._say(f"run {each.run.name} on {each.machine}", "bold")
            facts = {name: value for name, value in asdict(about).items() if value not in (None, {}, "")}
            self._say(", ".join(f"{name} {value}" for name, value in facts.items()))
            heads = ("cell", "us", "to the twin", "to a copy", "GB/s", "draws", "verdict")
            table = table_of(heads, ("cell", "verdict"))
            for cell, stored in each.run.cells.items():
                to_twin = math.exp(export.center(each.run, cell)) if stored.twin else None
                figures = (to_twin, "{:.3f}"), (stored.ratio_to_copy, "{:.3f}"), (stored.gb_per_s, "{:.0f}")
                told = ("-" if value is None else form.format(value) for value, form in figures)
                said = stored.said.kind if stored.said else "-"
                table.add_row(cell.id, f"{1e6 * stored.seconds:.2f}", *told, str(len(stored.head)), said)
            self._reporter.console.print(table)
        return self._told(Decision.CLEAN, "shown")

    def _compare(self) -> int:
        a, b = sides(self._options.names[0], self._options.names[1], self._kept)
        across = {each.machine for each in a} != {each.machine for each in b}
        twins = {each.run.about.twin for each in (*a, *b)}
        if len(twins) > 1:
            raise Foreseen(
                f"the runs were timed beside {len(twins)} different twins: ratios to them are not comparable"
            )
        for name, side in zip(self._options.names, (a, b), strict=True):
            told = ", ".join(f"{each.number} ({commit_of(each)}, {each.run.about.way})" for each in side[:5])
            more = f" and {len(side) - 5} more" if len(side) > 5 else ""
            where = " and ".join(dict.fromkeys(str(each.machine) for each in side))
            self._say(f"{name}: {counted(len(side), 'run')}: {told}{more}; {where}", "")
        if across:
            self._say("these are different machines or toolchains: what differs need not be the code", "bold yellow")
        everything = [each.run for each in self._kept if each.machine == a[0].machine and not across]
        found = differences([each.run for each in a], [each.run for each in b], everything)
        return self._tell_differences(found, across=across)

    def _tell_differences(self, found: list[Difference], *, across: bool) -> int:
        if not found:
            raise Foreseen("the runs have no cell in common that was timed beside the twin")
        loud = [each for each in found if each.is_significant]
        if loud:
            table = table_of(("cell", "B over A", "99 % interval", "is"), ("cell", "is"))
            for each in loud:
                word = "SLOWER" if each.ratio > 1 else "FASTER"
                table.add_row(each.cell.id, percent(each.ratio - 1), span(each.interval), word)
            self._reporter.console.print(table)
        rest = [each for each in found if not each.is_significant]
        if rest:
            most = max(rest, key=lambda each: abs(math.log(each.ratio)))
            least = f", the most in {most.cell.id}: {percent(most.ratio - 1)} ({span(most.interval)})"
            self._say(f"no significant difference in {counted(len(rest), 'cell')}{least}", "")
        cells = [{**asdict(each), "cell": each.cell.id} for each in found]
        slower = [each for each in loud if each.ratio > 1]
        if across:
            line = (
                f"{len(loud)} of {counted(len(found), 'cell')} differ across machines, which says nothing of the code"
            )
            return self._told(Decision.UNDECIDED, line, differences=cells, across_machines=True)
        if slower:
            told = f"slower in {len(slower)} of {counted(len(found), 'cell')}, most in {slower[0].cell.id}"
            line = f"{told}: {percent(slower[0].ratio - 1)}"
            return self._told(Decision.FINDINGS, line, differences=cells, across_machines=False)
        faster = f", {len(loud)} faster" if loud else ""
        line = f"no difference: none of {counted(len(found), 'cell')} is slower{faster}"
        return self._told(Decision.CLEAN, line, differences=cells, across_machines=False)

    def _trend(self) -> int:
        from ci.history.trend import trends

        cell = self._options.names[0] if self._options.names else None
        found = trends(self._kept, cell)
        if not found:
            raise Foreseen(f"{cell or 'any cell'}: no stored run without a base has it beside its twin")
        machines = list(dict.fromkeys(series.machine for series in found))
        for before, machine in pairwise(machines):
            changed = ", ".join(
                f"{name} {old} -> {getattr(machine, name)}"
                for name, old in asdict(before).items()
                if old != getattr(machine, name)
            )
            self._say(f"a new series begins, nothing is compared across it: {changed}")
        table = table_of(
            ("cell", "change", "99 % interval", "since run", "commit", "after commit", "machine"), ("cell",)
        )
        steps = [(series, step) for series in found for step in series.steps]
        for series, step in steps:
            where = step.at.number, commit_of(step.at), commit_of(step.before), key_of(series.machine)[-8:]
            table.add_row(series.cell.id, percent(step.ratio - 1), span(step.interval), *where)
        if steps:
            self._reporter.console.print(table)
        slower = [(series, step) for series, step in steps if step.ratio > 1]
        runs = counted(len({each.run.name for series in found for each in series.runs}), "run")
        counts = Counter(series.cell for series in found)
        over = f"over {runs} and {counted(len(counts), 'cell')}"
        content = [
            {
                "cell": series.cell.id,
                "ratio": step.ratio,
                "interval": step.interval,
                "run": step.at.run.name,
                "commit": step.at.run.about.commit,
                "machine": key_of(series.machine),
            }
            for series, step in steps
        ]
        if slower:
            series, step = max(slower, key=lambda pair: pair[1].ratio)
            line = f"slower since commit {commit_of(step.at)} (run {step.at.number}): {series.cell.id} by "
            line += f"{percent(step.ratio - 1)}; {counted(len(steps), 'step')} {over}"
            return self._told(Decision.FINDINGS, line, steps=content)
        return self._told(Decision.CLEAN, f"no step to slower {over}", steps=content)

    def _prune(self) -> int:
        gone = []
        for machine in dict.fromkeys(each.machine for each in self._kept):
            of_machine = [each for each in self._kept if each.machine == machine]
            for each in of_machine[: -self._options.keep]:
                path = self._folder / key_of(machine) / f"{each.run.name}.json"
                try:
                    path.unlink()
                except OSError as error:
                    raise NotWritten(f"cannot remove {path}: {error.strerror or error}") from error
                gone.append(each.run.name)
        return self._told(Decision.CLEAN, f"removed {counted(len(gone), 'run')}", removed=gone)

    def _export(self) -> int:
        is_csv = self._options.format == "csv"
        text = export.as_csv(self._kept) if is_csv else export.as_github_action_benchmark(self._kept[-1])
        (self._reporter.console.file or sys.stdout).write(text)
        return int(Decision.CLEAN)
