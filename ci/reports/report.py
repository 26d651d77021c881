"""The JSON report of a run. Needs the standard library only."""

import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ci.examination.verdict import Verdict


def clear(path: Path) -> None:
    """Remove an earlier run's report, which could be taken for this run's, and see that one can be written.

    Raises:
        OSError: no report can be written there.
    """
    if path.is_dir():
        raise IsADirectoryError(None, "it is a folder")
    path.unlink(missing_ok=True)
    with tempfile.TemporaryFile(dir=path.parent):
        pass


def write(path: Path, content: dict[str, Any]) -> None:
    """Write a report; whoever reads the path meanwhile sees a whole report or none.

    Raises:
        OSError: it cannot be written.
    """
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(content, file, indent=2)
            file.write("\n")
        # Temporary files are their owner's alone; a report is like any other file.
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def content(
    verdict: "Verdict", *, implementation: str, contract: str, machine: dict[str, Any], seconds: float
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
    return {
        "verdict": verdict.decision.value,
        "exit_code": verdict.decision.exit_code,
        "implementation": implementation,
        "contract": contract,
        "machine": machine,
        "seconds": round(seconds, 1),
        "cases": {
            "examined": total.examined,
            "clean": total.clean,
            "with_findings": total.with_findings,
            "undecided": total.undecided,
            "not_run": dict(verdict.not_run.most_common()),
        },
        "findings": [finding.as_json() for finding in verdict.findings],
        "undecided": [{"case": item.case, "reason": item.reason} for item in verdict.undecided],
    }
