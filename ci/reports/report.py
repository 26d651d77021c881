"""The JSON report of a job: what all have in common. Needs the standard library only."""

from typing import Any

SCHEMA = 1
"""Version of what reports hold."""


def headed(kind: str, verdict: str, exit_code: int, seconds: float, content: dict[str, Any]) -> dict[str, Any]:
    """Return a report, its head first.

    Args:
        kind: the job: `examination`, `cost`, `speed`, `latency` or `certificate`.
        verdict: of the job, in a word or two.
        exit_code: 0, 1 or 2: what the verdict means.
        seconds: how long the job took.
        content: the rest, JSON values by name.
    """
    head = {"report": kind, "schema": SCHEMA, "verdict": verdict, "exit_code": exit_code, "seconds": round(seconds, 1)}
    return {**head, **{name: value for name, value in content.items() if name not in head}}
