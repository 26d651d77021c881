"""The same error from every call is one sentence and no finding; what may be a fault of the gather stays one."""

from dataclasses import replace

from ci.examination.everywhere import LEAST_CASES, SEVEN, without_same_error
from ci.examination.verdict import Decision, judge
from tests.contract import Rule
from tests.examine.examined import PROVES_NOTHING, Examined
from tests.examine.finding import Finding

MISSING = "ModuleNotFoundError: No module named 'neighbour'"
WHERE = " (my.py line 3)"


def raised(case: str, error: str, function: str = "get_k_and_s", rule: int = 4) -> Finding:
    return Finding(Rule(rule), case, function, f"raised {error}{WHERE}", fault=f"raised: {error}")


def failing(error: str, *functions: str, count: int = 5) -> list[Examined]:
    return [
        Examined(f"lengths/{n}", tuple(raised(f"lengths/{n}", error, function) for function in functions))
        for n in range(count)
    ]


def signature(function: str) -> str:
    return f"TypeError: {function}() takes {len(function)} positional arguments but 7 were given"


def test_a_missing_file_is_one_sentence():
    verdict = judge(failing(MISSING, "get_k", "get_s"))
    assert verdict.decision is Decision.UNDECIDED
    assert [str(item) for item in verdict.undecided] == [
        f"every call raised {MISSING}{WHERE}: "
        "expected what it imports to be installed here, or to lie beside its file: 5 cases, first lengths/0"
    ]


def test_a_wrong_signature_is_one_sentence_in_however_few_cases():
    functions = ("get_k", "get_k_and_s")
    findings = tuple(raised("lengths/a", signature(function), function) for function in functions)
    (result,) = without_same_error([Examined("lengths/a", findings)])
    assert result.findings == ()
    assert result.undecided == (
        f"every call raised {signature('get_k')}{WHERE}: "
        f"expected a gather that is called with the seven positional arguments {SEVEN}"
    )


def test_cases_that_leave_open_what_happens_are_not_clean_then():
    results = [*failing(MISSING, "get_k"), Examined("disagreement/a"), Examined("pools/a", not_run="needs a GPU")]
    *_, left_open, not_run = without_same_error(results)
    assert left_open.undecided
    assert not_run == results[-1]


def test_bad_arguments_prove_nothing_then():
    results = [*failing(MISSING, "get_k"), Examined("bad-arguments/a", undecided=PROVES_NOTHING)]
    assert len(judge(results).undecided) == 1
    unreported = Examined("lengths/z", undecided="no test examines it")
    assert len(judge([*results, unreported]).undecided) == 2
    accepted = Finding(Rule.BAD_ARGUMENTS, "bad-arguments/a", "get_k", "the call was accepted", fault="not refused: a")
    assert len(judge([*results, Examined(accepted.case, (accepted,))]).findings) == 6


def test_one_function_of_several():
    results = [replace(result, right=("get_s",)) for result in failing(MISSING, "get_k")]
    verdict = judge(results)
    assert verdict.decision is Decision.UNDECIDED
    assert str(verdict.undecided[0]).startswith(f"every call of get_k raised {MISSING}")
    two = (raised("lengths/9", "NameError: x", "get_k"), raised("lengths/9", "NameError: y", "get_s"))
    results_of_two = [
        Examined(f"lengths/{n}", tuple(replace(one, case=f"lengths/{n}") for one in two)) for n in range(3)
    ]
    (reason,) = judge(results_of_two).undecided
    assert "every call of get_k raised NameError: x" in str(reason)
    assert "; every call of get_s raised NameError: y" in str(reason)
    wrong = Finding(Rule(1), "lengths/9", "get_s", "row 0 is wrong")
    verdict = judge([*results, Examined("lengths/9", (wrong,))])
    assert (verdict.decision, verdict.findings) == (Decision.FINDINGS, (wrong,))


def test_errors_of_two_functions_are_told_together():
    pairs = zip(failing("NameError: x", "get_k"), failing("NameError: y", "get_s"), strict=True)
    (reason,) = judge([replace(k, findings=k.findings + s.findings) for k, s in pairs]).undecided
    assert "every call of get_k raised NameError: x" in str(reason)
    assert "; every call of get_s raised NameError: y" in str(reason)


def stays(results: list[Examined]) -> bool:
    return without_same_error(results) == results


def test_what_may_be_a_fault_of_the_gather_stays_a_finding():
    error = "AssertionError: no"
    results = failing(error, "get_k")
    assert not stays(results)
    assert stays(results[: LEAST_CASES - 1])
    assert stays([*results, Examined("lengths/z", right=("get_k",))])
    assert stays([*results, Examined("geometries/z", refused=("get_k",))])
    assert stays([*results, Examined("lengths/z", (raised("lengths/z", "AssertionError: batch 3", "get_k"),))])
    wrong = Finding(Rule(1), "lengths/z", "get_k", "row 0 is wrong", fault="wrong row")
    assert stays([*results, Examined("lengths/z", (wrong,))])
    launched = [replace(one, findings=(replace(one.findings[0], details={"launched": True}),)) for one in results]
    assert stays(launched)
    for error in ("CompilationError: at 3:4", "ValueError: buf", "Skipped: no", "SystemExit: 3", "KeyboardInterrupt: "):
        assert stays(failing(error, "get_k"))
    assert stays([Examined("lengths/a"), Examined("lengths/b")])
