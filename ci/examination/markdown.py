"""A report that can be pasted into another project's issue: what was examined, rule by rule, and how to see it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ci.examination.by_rule import OfRule
from tests.examine.finding import Finding


@dataclass(frozen=True)
class Broken:
    """A broken rule, by its smallest case."""

    finding: Finding
    word: str
    """Whether it is known."""
    replay: str
    """The line that shows it with this harness."""
    script: str | None
    """What shows it alone."""


def report(
    name: str,
    verdict: str,
    machine: Mapping[str, Any],
    rules: Sequence[OfRule],
    broken: Sequence[Broken],
    known: Sequence[str] = (),
) -> str:
    """Return the report.

    Args:
        name: of the implementation.
        verdict: in one line.
        machine: versions and devices.
        rules: what is told of each rule.
        broken: those that are broken.
        known: what is told of breakages that are known.
    """
    device = ", ".join(dict.fromkeys(machine.get("gpus", []))) or "no GPU: Triton's interpreter"
    versions = {name: machine[name]} if name in machine else {}
    versions |= {of: machine[of] for of in ("torch", "triton", "python", "platform") if of in machine}
    head = [f"# Paged K/S gather `{name}`", "", verdict, "", f"On {device}, with "]
    head[-1] += ", ".join(f"{of} {version}" for of, version in versions.items()) + "."
    table = ["", "| rule | | |", "|---|---|---|"]
    table += [f"| {int(of.rule)} {of.rule.text} | {of.state} | {of.why} |" for of in rules]
    told = [line for of in broken for line in _told(of)]
    return "\n".join([*head, *(["", *known] if known else []), *told, "", "## All rules", *table, ""])


def _told(of: Broken) -> list[str]:
    finding = of.finding
    lines = ["", f"## Rule {int(finding.rule)}: {finding.rule.text} ({of.word})", ""]
    lines += [f"`{finding.function}`, smallest case `{finding.case}`: {finding.message}"]
    if places := finding.details.get("lines"):
        lines += ["", f"In {', '.join(f'`{place}`' for place in places)}."]
    lines += ["", f"With the harness: `{of.replay}`"]
    if of.script is None:
        return [*lines, "", "No script shows it alone: it is not in the rows, or takes several calls."]
    return [*lines, "", "Alone, in a file of its own:", "", "```python", of.script.rstrip("\n"), "```"]
