"""The same error from every call: nothing was examined, and one sentence says so. A pure decision.

A wrong signature, a file or a package that is missing: such an error says nothing about rows, and each case would tell
it as another broken rule. It is taken for one where a function raised the same text in every case, before any launch,
and nowhere returned rows or refused a call as the contract allows.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from tests.examine.blame import Seen
from tests.examine.examined import PROVES_NOTHING, Examined
from tests.examine.finding import Finding

LEAST_CASES = 3
"""Cases that have to show the same error, unless it is one of the signature."""
SEVEN = "buf, page_indices, seq_lens, seq_len_sum, max_seq_len, page_size, index_head_dim"
_NO_LACK = re.compile(
    r"\w*(CompilationError|OutOfResources|AssertionFailure|LanguageConstruct|InterpreterError|"
    r"ValueError|Skipped|XFailed|Exit|KeyboardInterrupt)\b"
)
"""Errors that are no lack of the environment: Triton's, which does not take a kernel; a refusal; and ways to leave."""
_RAISED = f"{Seen.RAISED.value}: "


def without_same_error(results: Sequence[Examined]) -> list[Examined]:
    """Return the same with findings that are one error of every call turned into one reason for "could not decide".

    Where that goes for all functions, nothing was examined: no case is clean, whatever it left open.
    """
    functions = {name for result in results for name in _functions(result)}
    errors = {name: error for name in sorted(functions) if (error := _error_of_every_call(name, results))}
    if not errors:
        return list(results)
    reasons = _reasons(errors, functions)
    return [_undecided(result, reasons, is_all=set(errors) == functions) for result in results]


def _functions(result: Examined) -> set[str]:
    return {*result.right, *result.refused, *(finding.function for finding in result.findings)}


def _error_of_every_call(function: str, results: Sequence[Examined]) -> Finding | None:
    """Return the first of a function's findings if all of them are the same error, and nothing else came of it."""
    if any(function in (*result.right, *result.refused) for result in results):
        return None
    findings = [finding for result in results for finding in result.findings if finding.function == function]
    first = next((finding for finding in findings if _is_raised(finding)), None)
    if first is None or not all(_is_raised(finding) and _error(finding) == _error(first) for finding in findings):
        return None
    cases = {finding.case for finding in findings}
    return first if len(cases) >= LEAST_CASES or _is_signature(first) else None


def _is_raised(finding: Finding) -> bool:
    is_early = not finding.details.get("launched") and not _NO_LACK.match(_error(finding))
    return finding.fault.startswith(_RAISED) and is_early


def _error(finding: Finding) -> str:
    return finding.fault.removeprefix(_RAISED)


def _is_signature(finding: Finding) -> bool:
    """Whether Python could not even call the function."""
    return re.match(rf"TypeError: ([\w<>]+\.)*{finding.function}\(\) .*argument", _error(finding)) is not None


def _reasons(errors: dict[str, Finding], functions: set[str]) -> dict[str, str]:
    """Return the sentence for each function; those with the same error, or whose signatures are wrong, share one."""
    alike: dict[str, list[str]] = {}
    for function, finding in errors.items():
        alike.setdefault("signature" if _is_signature(finding) else _error(finding), []).append(function)
    reasons: dict[str, str] = {}
    for together in alike.values():
        who = "every call" if set(together) == functions else f"every call of {' and '.join(together)}"
        first = errors[together[0]]
        reasons |= dict.fromkeys(together, f"{who} {first.message}: expected {_expected(first)}")
    return reasons


def _expected(first: Finding) -> str:
    if _is_signature(first):
        return f"a gather that is called with the seven positional arguments {SEVEN}"
    if _error(first).startswith(("ImportError", "ModuleNotFoundError")):
        return "what it imports to be installed here, or to lie beside its file"
    return "rows from at least one call"


def _undecided(result: Examined, reasons: dict[str, str], is_all: bool) -> Examined:
    dropped = [finding.function for finding in result.findings if finding.function in reasons]
    if dropped:
        kept = tuple(finding for finding in result.findings if finding.function not in reasons)
        return replace(result, findings=kept, undecided="; ".join(dict.fromkeys(map(reasons.__getitem__, dropped))))
    if is_all and (result.is_clean or result.undecided == PROVES_NOTHING):
        return replace(result, undecided=next(iter(reasons.values())))
    return result
