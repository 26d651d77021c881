"""Is each line of what the levels can and cannot see, in the instruments' README, held up by planted bugs?"""

import re

from ci.sanitizer.cases import chosen_cases
from tests import ROOT
from tests.examine.selection import Selection
from tests.planted.bugs import BUGS
from tests.planted.faults import hidden
from tests.planted.faults.deadly import FAULTS
from tests.planted.faults.reaching import REACHES
from tests.planted.wild import machine, outside, racing, undefined, wrapping

README = (ROOT / "tests" / "instruments" / "README.md").read_text(encoding="utf-8")
PLANTED = {
    *(bug.name for bug in BUGS),
    *(reach.name for reach in REACHES),
    *(planted.name for module in (machine, outside, racing, undefined, wrapping) for planted in module.PLANTED),
    *FAULTS,
    *(name for name in vars(hidden) if not name.startswith("_")),
}


def lines_of_the_table() -> dict[str, str]:
    """Return the last column of the table of what each level can see, by its first."""
    table = README.split("## What each level can and cannot see")[1].split("\n## ")[0]
    rows = [line.strip("|").split("|") for line in table.splitlines() if line.startswith("| ")]
    return {row[0].strip(): row[-1].strip() for row in rows[1:]}


def test_each_line_names_bugs_that_are_planted():
    lines = lines_of_the_table()
    assert len(lines) > 10
    for bug, shown_by in lines.items():
        named = re.findall(r"`([^`]+)`", shown_by)
        assert named or shown_by.startswith("nothing is planted"), bug
        assert set(named) <= PLANTED, bug


def test_twenty_bytes_past_ends_are_planted_on_both_machines():
    assert len(REACHES) == sum(bug.name.startswith("one-byte-") for bug in BUGS) == 20
    assert len(chosen_cases(Selection())) > 30
