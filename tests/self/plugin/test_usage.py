"""pytest's command line: bad usage is one sentence and exit code 4, and every case has its one test."""

import pytest

from tests.cases.catalogue import catalogue
from tests.self.inner_pytest import run_pytest

SUITE = ("tests/test_values.py", "tests/test_memory.py", "tests/test_arguments.py", "tests/test_variants.py")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--case", "lengths/page", "--case", "lengts/*"], "--case lengts/*: no case matches"),
        (["--impl", "no/such/file.py"], "--impl no/such/file.py: there is no such file"),
        (["--impl", "no_such.module"], "--impl no_such.module: there is no such module"),
        (["--case-timeout", "inf"], "argument --case-timeout: expected seconds, more than 0 and at most a week"),
        (["--case-timeout", "0"], "argument --case-timeout: expected seconds, more than 0 and at most a week"),
        (["--seeds", "100001"], "argument --seeds: expected a whole number from 0 to 100000"),
        (["--device", "cpu", "--memory", "fences"], "--memory fences: fenced memory needs a GPU"),
    ],
)
def test_bad_usage_is_a_sentence_before_any_worker_starts(arguments, sentence, tmp_path):
    run = run_pytest(SUITE[0], "-n", "2", *arguments, folder=tmp_path)
    assert run.status == pytest.ExitCode.USAGE_ERROR
    assert sentence in run.output
    assert "Traceback" not in run.output
    assert "bringing up nodes" not in run.output


@pytest.mark.parametrize("workers", ["0", "2"])
def test_an_implementation_that_cannot_be_had_is_a_sentence(workers, tmp_path):
    empty = tmp_path / "empty.py"
    empty.write_text("x = 1\n")
    run = run_pytest(SUITE[0], "-n", workers, "--impl", str(empty), "--case", "lengths/*", folder=tmp_path)
    assert run.status == pytest.ExitCode.USAGE_ERROR
    assert f"--impl {empty}: it has none of the functions get_k_and_s, get_k, get_s" in run.output
    assert "Traceback" not in run.output
    assert run.verdicts == {}


def test_every_case_has_one_test_of_the_suite(tmp_path):
    run = run_pytest(*SUITE, "-n", "0", "--collect-only", "-q", "--device", "cpu", folder=tmp_path)
    ids = [line.partition("[")[2].removesuffix("]") for line in run.output.splitlines() if "::" in line]
    assert sorted(ids) == sorted(case.id for case in catalogue())


def test_long_tests_are_left_out_and_counted_unless_asked_for(tmp_path):
    # Below the project's tests, because only there its plugin is at work.
    file = tmp_path / "test_long.py"
    file.write_text("import pytest\n\n@pytest.mark.long\ndef test_long():\n    pass\n")
    usual = (str(file), "-n", "0", "--device", "cpu", "-p", "tests.plugin.hooks", "-p", "tests.plugin.fixtures")
    left_out = run_pytest(*usual, folder=tmp_path)
    assert "1 takes minutes: --long runs it" in left_out.output
    assert [ended.outcome for ended in left_out.verdicts.values()] == ["skipped"]
    asked_for = run_pytest(*usual, "--long", folder=tmp_path)
    assert [ended.outcome for ended in asked_for.verdicts.values()] == ["passed"]
