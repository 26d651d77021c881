"""`./ci/gate prove` on planted bugs: none is proved, and those of addresses are refuted by running them."""

from importlib.util import find_spec

import pytest

if find_spec("z3") is None:
    pytest.skip("z3 is not installed: pip install -e '.[prove]'", allow_module_level=True)

from ci.prove.command import prove
from ci.prove.options import Options
from ci.reports.progress import Steps
from tests.instruments.proof.answers import Answer
from tests.planted.bugs import accesses, memory
from tests.planted.bugs.bug import BASE
from tests.self.consoles import console

PROVED_ALL_THE_SAME = {"keys-loaded-twice", "rows-stored-twice", "two-programs-write-the-same-rows"}
"""Bugs that leave no memory and depend on nothing undefined."""
BUGS = [
    bug
    for bug in (*accesses.WILD_ACCESSES, *memory.ADDRESSES, *memory.DISAGREEMENT, *memory.TABLES, *memory.INVALID_PAGES)
    if bug.name not in PROVED_ALL_THE_SAME
]
WAYS = 6
"""Ways through the host's code: the others launch code for arguments past 2^31."""
BY_DEFAULT = ("page-offset-in-32-bits",)


def answers(path: str) -> set[Answer]:
    with Steps(console()[0], 0.0) as steps:
        proofs = prove(Options(path, ("get_s",), (), False, WAYS, None), steps)
    answers = {verdict.answer for proof in proofs for variant in proof.variants for verdict in variant}
    return answers | {Answer.NOT_DECIDED for proof in proofs if proof.open_paths}


@pytest.mark.parametrize(
    "bug",
    [pytest.param(bug, id=bug.name, marks=[pytest.mark.long] * (bug.name not in BY_DEFAULT)) for bug in BUGS],
)
def test_a_planted_bug_is_not_proved(bug, tmp_path):
    path = tmp_path / f"prove_{bug.name.replace('-', '_')}.py"
    path.write_text(bug.source())
    found = answers(str(path))
    if bug.name in BY_DEFAULT:
        assert Answer.REFUTED in found
    assert found != {Answer.PROVED}


@pytest.mark.long
def test_the_base_of_the_planted_bugs_is_not_refuted():
    assert Answer.REFUTED not in answers(str(BASE))
