"""Findings that are likely one mistake, and reasons that are the same for many cases, as one entry each."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import get_args

from ci.reports.decision import counted
from tests.cases.case import ArgumentName
from tests.contract import Rule
from tests.examine.finding import Finding

CASES_NAMED = 4
"""Cases that are named for each entry; the rest are counted."""
MOST_LABEL = 90
"""Characters of an entry's label."""
_ARGUMENT = re.compile("|".join(sorted((name.replace("_", "-") for name in get_args(ArgumentName)), reverse=True)))


@dataclass(frozen=True)
class Entry:
    """Findings of one rule and one fault."""

    rule: Rule
    findings: tuple[Finding, ...]

    @property
    def first(self) -> Finding:
        """The one that is told in full."""
        return self.findings[0]

    @property
    def label(self) -> str:
        """What was seen, in a line."""
        label = " ".join((self.first.fault or self.first.message).split())
        return label if len(label) <= MOST_LABEL else f"{label[: MOST_LABEL - 3]}..."

    @property
    def functions(self) -> list[str]:
        """Those that do it."""
        return list(dict.fromkeys(finding.function for finding in self.findings))

    @property
    def cases(self) -> list[str]:
        """Ids of the cases in which it was seen, each once."""
        return list(dict.fromkeys(finding.case for finding in self.findings))

    @property
    def place(self) -> str:
        """In which cases it was seen, the first of many; of bad arguments, how many cases of each argument."""
        cases = self.cases
        if len(cases) <= CASES_NAMED:
            return ", ".join(cases)
        named = f"{', '.join(cases[:CASES_NAMED])} and {len(cases) - CASES_NAMED} more"
        if self.rule is Rule.BAD_ARGUMENTS:
            counts = Counter(map(argument_of, cases))
            named = ", ".join(f"{name} {number}" for name, number in counts.items())
        return f"{counted(len(cases), 'case')}: {named}"


def entries(findings: Iterable[Finding]) -> list[Entry]:
    """Return findings as entries, rule by rule, and of each rule in the order in which they were first seen."""
    alike: dict[tuple[Rule, str], list[Finding]] = {}
    for finding in findings:
        alike.setdefault((finding.rule, finding.fault), []).append(finding)
    return [Entry(rule, tuple(alike[rule, fault])) for rule, fault in sorted(alike, key=lambda key: key[0])]


def argument_of(case: str) -> str:
    """Return the argument that a case spoils, by its name, or that name."""
    name = case.partition("/")[2]
    argument = _ARGUMENT.match(name)
    return argument[0].replace("-", "_") if argument else name


def rules_told(rules: Iterable[int]) -> str:
    """Return `rule 4`, `rules 4 and 7`, or `rules 9 to 11, 13 and 20`."""
    numbers = sorted(map(int, set(rules)))
    stretches: list[list[int]] = []
    for number in numbers:
        if stretches and stretches[-1][-1] == number - 1:
            stretches[-1].append(number)
        else:
            stretches.append([number])
    words = [
        word
        for stretch in stretches
        for word in ([f"{stretch[0]} to {stretch[-1]}"] if len(stretch) > 2 else map(str, stretch))
    ]
    told = " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
    return f"{'rule' if len(numbers) == 1 else 'rules'} {told}"
