"""Reports of a run that was never made: with findings, cells of every kind, and names that would break a page."""

import random
from typing import Any

HOSTILE = "<script>document.title='owned'</script><img src=x onerror=fetch('https://example.com')>&\"'"
_SEEN = (
    "2 of 70 rows of K are wrong: row 3 (sequence 0, token 3): K is page 7 token 3, should be page 2 token 3; "
    "row 64 (sequence 0, token 64): K is never written, should be page 5 token 0"
)


def _head(kind: str, exit_code: int, verdict: str, **more: Any) -> dict[str, Any]:
    return {"report": kind, "schema": 1, "verdict": verdict, "exit_code": exit_code, "seconds": 12.5, **more}


def _cell(name: str, verdict: str, ratio: float | None, reason: str = "as measured") -> dict[str, Any]:
    interval = [ratio * 0.995, ratio * 1.005] if ratio else None
    return {
        "cell": name,
        "verdict": verdict,
        "ratio": ratio,
        "interval": interval,
        "stage": "screening",
        "reason": reason,
    }


def _samples(workload: str, ratio: float) -> dict[str, Any]:
    rng = random.Random(workload)
    draws = [{"base": [1e-5] * 6, "head": [1e-5 * ratio * (1 + rng.gauss(0, 0.004))] * 6} for _ in range(12)]
    return {
        "cell": {"workload": workload, "function": "get_k_and_s", "metric": "device"},
        "draws": draws,
        "controls": {},
    }


def _speed_row(moved: int, side: str, speed: float) -> dict[str, Any]:
    row = {"workload": f"1x{moved}", "side": side, "cold_us": moved / speed / 1e3, "gb_per_s": speed}
    return {**row, "warm_us": 1.0, "host_us": 20.0, "launches": 1, "to_copy": 1.0, "is_eager": False}


REPORTS = {
    "examination": _head(
        "examination",
        1,
        "findings",
        implementation=HOSTILE,
        contract="strict",
        machine={"gpus": ["NVIDIA H100"], "torch": "2.13.0", "triton": "3.7.1", "python": "3.12"},
        cases={
            "examined": 40,
            "clean": 38,
            "with_findings": 2,
            "undecided": 0,
            "refused": 0,
            "not_run": {"needs a GPU": 9},
        },
        findings=[
            {"rule": 4, "case": "lengths/page", "function": "get_k", "message": _SEEN, "fault": "wrong row"},
            {"rule": 10, "case": HOSTILE, "function": "get_s", "message": HOSTILE, "fault": "write"},
        ],
        undecided=[{"case": "pools/past-4-gib", "reason": f"out of memory {HOSTILE}"}],
        notes=[],
    ),
    "latency": _head(
        "latency",
        1,
        "findings",
        base="main (abc1234567)",
        machine={"gpu": "NVIDIA H100", "driver": "580.1"},
        blind=["1x128/get_k cannot see a slowdown of 10 %"],
        cells=[
            _cell("1x1m/get_k_and_s", "SLOWER", 1.052, "+5.2 %, confirmed"),
            _cell("1x8k/get_k_and_s", "SAME", 1.001),
            _cell("32x4k/get_k_and_s", "FASTER", 0.96),
            _cell(HOSTILE, "INCONCLUSIVE", None, "the measurement is invalid"),
            {**_cell("8x1k/get_s", "SAME", None), "stage": "identity"},
        ],
        samples=[_samples("1x1m", 1.052), _samples("1x8k", 1.001)],
    ),
    "speed": _head(
        "speed",
        0,
        "clean",
        rows=[
            _speed_row(moved, side, min(2500 * factor, moved / 2e3 * factor))
            for moved in (10**4, 10**5, 10**6, 10**7, 10**8)
            for side, factor in (("copy", 1.0), ("own", 1.1), (HOSTILE, 0.7))
        ],
    ),
    "cost": _head(
        "cost",
        1,
        "changed",
        compared=455,
        findings=[{"figure": "1x4k / get_k / launches", "was": 1, "now": 2, "message": "launches: was 1, is 2"}],
    ),
    "kills": _head(
        "kills",
        1,
        "findings",
        cases=["lengths/page", HOSTILE],
        bugs={HOSTILE: {"class": "wrong row", "report": "rule 4", "families": {"lengths": 3}, "cases": [0, 1]}},
        missed=["style/late"],
        undecided=[],
    ),
}
