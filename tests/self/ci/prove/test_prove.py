"""`./ci/gate prove` on planted bugs: an input and a program that show each are found, and run."""

from importlib.util import find_spec

import pytest

if find_spec("z3") is None:
    pytest.skip("z3 is not installed: pip install -e '.[prove]'", allow_module_level=True)

from ci.prove.command import prove
from ci.prove.options import Options
from ci.reports.progress import Steps
from tests.instruments.proof.answers import Answer
from tests.planted.bugs import BUGS as ALL_BUGS
from tests.planted.bugs.bug import BASE
from tests.self.consoles import console

NAMES = (
    *("one-byte-read-before-buf", "one-byte-read-after-seq-lens", "one-byte-write-before-k"),
    *("page-table-read-past-its-end", "lengths-read-past-their-end", "pool-read-past-its-end"),
    *("undefined-lanes-summed", "page-offset-in-32-bits", "scale-offset-in-32-bits"),
    *("device-lengths-trusted-for-rows", "wrapped-start-not-range-checked", "page-just-past-the-pool-accepted"),
)
"""Bugs that leave memory, or depend on what is undefined. An address that wraps within its tensor is neither."""
BUGS = [bug for bug in ALL_BUGS if bug.name in NAMES]
WAYS = 6
"""Ways through the host's code: the others launch code for arguments past 2^31."""
BY_DEFAULT = ("page-offset-in-32-bits",)


def answers(path: str) -> set[Answer]:
    with Steps(console()[0], 0.0) as steps:
        proofs = prove(Options(path, ("get_k_and_s",), (), False, WAYS, None), steps)
    answers = {verdict.answer for proof in proofs for variant in proof.variants for verdict in variant}
    return answers | {Answer.NOT_DECIDED for proof in proofs if proof.open_paths}


@pytest.mark.parametrize(
    "bug",
    [pytest.param(bug, id=bug.name, marks=[pytest.mark.long] * (bug.name not in BY_DEFAULT)) for bug in BUGS],
)
def test_a_planted_bug_is_refuted(bug, tmp_path):
    path = tmp_path / f"prove_{bug.name.replace('-', '_')}.py"
    path.write_text(bug.source())
    found = answers(str(path))
    assert Answer.REFUTED in found


@pytest.mark.long
def test_the_base_of_the_planted_bugs_is_not_refuted():
    assert Answer.REFUTED not in answers(str(BASE))
