"""Does the table beside the planted bugs say what was measured, and is each instrument and family needed by a bug?"""

import json

import pytest

from ci.kills import table
from ci.kills.instruments import INSTRUMENTS, NEED_GPU
from ci.kills.witnesses import WITNESSES
from tests import ROOT
from tests.cases.catalogue import catalogue
from tests.planted.classes import CLASSES, PLANTED

FOLDER = ROOT / "tests" / "planted"
REPORTS = {
    device: json.loads((FOLDER / f"kills_{device}.json").read_text(encoding="utf-8")) for device in ("cpu", "cuda")
}
ON_CPU = REPORTS["cpu"]["bugs"]
NOT_NEEDED = {"logits", *NEED_GPU}
"""The logits say of the end what the rows say of the parts; the others are looked at on a GPU."""


def needed_by(what: str, name: str) -> list[str]:
    """Return the bugs, of those that were tried on all cases, that nothing else of the kind catches."""
    return [bug for bug in WITNESSES if list(ON_CPU[bug][what]) == [name]]


@pytest.mark.parametrize("instrument", sorted({*INSTRUMENTS} - NOT_NEEDED))
def test_without_an_instrument_a_bug_would_live(instrument):
    assert needed_by("instruments", instrument)


@pytest.mark.parametrize("family", sorted({case.family for case in catalogue()} - NOT_NEEDED))
def test_without_a_family_a_bug_would_live(family):
    assert needed_by("families", family)


@pytest.mark.parametrize("device", REPORTS)
def test_nothing_that_can_be_seen_is_missed_and_nothing_right_accused(device):
    report = REPORTS[device]
    assert (report["missed"], report["alarms"], report["undecided"]) == ([], [], [])
    assert report["right"]


def test_all_planted_bugs_were_examined():
    assert {bug.id for bug in PLANTED} == set(ON_CPU)
    assert {of["class"] for of in ON_CPU.values()} == set(CLASSES)
    assert {bug.id for bug in PLANTED if bug.needs_gpu} == set(REPORTS["cpu"]["unseen"]) <= set(REPORTS["cuda"]["bugs"])
    assert set(REPORTS["cuda"]["bugs"]) <= set(ON_CPU)


@pytest.mark.parametrize("device", REPORTS)
def test_the_readme_has_the_table(device):
    assert table.markdown(REPORTS[device]) in (FOLDER / "README.md").read_text(encoding="utf-8")


def test_the_report_is_small():
    assert sum((FOLDER / f"kills_{device}.json").stat().st_size for device in REPORTS) < 200_000


def test_the_figure_in_the_project_s_readme_is_the_table_s():
    caught = {name for report in REPORTS.values() for name, bug in report["bugs"].items() if bug["first"]}
    assert f"({len(caught)} of {len(ON_CPU)}; nothing right is accused)" in (ROOT / "README.md").read_text()
