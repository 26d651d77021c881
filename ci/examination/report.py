"""The JSON report of an examination. Needs the standard library only."""

from typing import Any

from ci.examination.verdict import RunVerdict
from ci.reports.report import headed
from tests.contract import Contract


def content(
    verdict: RunVerdict, *, implementation: str, contract: Contract, machine: dict[str, Any], seconds: float
) -> dict[str, Any]:
    """Return the report of a verdict.

    Args:
        verdict: the verdict.
        implementation: as it was named on the command line.
        contract: the level that it was held to.
        machine: versions and devices, JSON values only.
        seconds: how long the run took.
    """
    total = verdict.total
    told = {
        "implementation": implementation,
        "contract": contract.label,
        "rules_not_held": list(map(int, contract.not_held)),
        "machine": machine,
        "cases": {
            "examined": total.examined,
            "clean": total.clean,
            "with_findings": total.with_findings,
            "undecided": total.undecided,
            "refused": total.refused,
            "not_run": dict(verdict.not_run.most_common()),
        },
        "findings": [finding.as_json() for finding in verdict.findings],
        "undecided": [
            {"case": case, "reason": item.reason} for item in verdict.undecided for case in item.cases or (None,)
        ],
        "notes": list(verdict.notes),
    }
    return headed("examination", verdict.decision.value, verdict.decision.exit_code, seconds, told)
