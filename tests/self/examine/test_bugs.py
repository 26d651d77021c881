"""Does the suite catch what it is there for? Known bugs, planted one at a time in a correct gather."""

from pathlib import Path

import pytest

from tests.calls.implementations import Implementation, load_implementation
from tests.cases.catalogue import catalogue
from tests.contract import Contract
from tests.planted.bugs import BUGS, WILD
from tests.planted.bugs.bug import BASE, Bug
from tests.planted.bugs.harmless import HARMLESS

CASES = {case.id: case for case in catalogue(seed_count=0)}


def _planted(bug: Bug, folder: Path) -> Implementation:
    path = folder / f"planted_{bug.name.replace('-', '_')}.py"
    path.write_text(bug.source(), encoding="utf-8")
    return load_implementation(str(path))


@pytest.mark.parametrize(("bug", "case"), [pytest.param(b, c, id=f"{b.name}-{c}") for b in BUGS for c in b.cases])
def test_planted_bug_is_caught(bug, case, tmp_path, examiner, device):
    if device == "cuda" and bug.name in WILD:
        pytest.skip("a wild bug: planted on the interpreter; tests/planted/faults/ has those for a GPU")
    if device == "cpu" and bug.needs_gpu:
        pytest.skip("needs a GPU: a bug of streams")
    findings = examiner.examine(CASES[case], _planted(bug, tmp_path), Contract.STRICT).findings
    told = [str(finding) for finding in findings]
    assert {finding.rule for finding in findings} & set(bug.rules), told
    assert all(finding.case == case for finding in findings)
    assert any(bug.says in finding.message for finding in findings), told


@pytest.mark.parametrize("case", sorted({c for bug in BUGS for c in bug.cases if not CASES[c].heavy}))
def test_the_gather_without_the_bug_is_clean(case, examiner):
    assert examiner.examine(CASES[case], load_implementation(str(BASE)), Contract.STRICT).is_clean


@pytest.mark.parametrize(("bug", "case"), [pytest.param(b, c, id=f"{b.name}-{c}") for b in HARMLESS for c in b.cases])
def test_what_is_no_bug_is_clean(bug, case, tmp_path, examiner):
    assert examiner.examine(CASES[case], _planted(bug, tmp_path), Contract.STRICT).is_clean


def test_names_are_unique():
    names = [bug.name for bug in [*BUGS, *HARMLESS]]
    assert len(names) == len(set(names))


def test_a_bug_that_no_longer_applies_is_refused():
    stale = Bug(name="stale", edits={"no such line": ""}, rules=(1,), cases=())
    with pytest.raises(ValueError, match="stands 0 times"):
        stale.source()
