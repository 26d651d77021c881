"""The gate's cases as tests of yours, one a case. Copy this file beside your tests; it imports nothing of the gate's.

from in_your_suite import gather_tests

test_gather = gather_tests("../harness", "my_package/gathers.py:get_k_and_s", contract="safe")
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import pytest

OF_CASES = ("--cases", "--page-size", "--index-head-dim", "--layout", "--seeds", "--seeds-from")
"""Options that say which cases there are."""


def gather_tests(
    harness: str,
    implementation: str,
    contract: str = "trusting",
    cases: Sequence[str] = (),
    options: Sequence[str] = (),
) -> Callable[..., None]:
    """Return a test with a parameter for each case, which all share one run of the gate.

    Args:
        harness: a checkout of the gate's project.
        implementation: as `--impl` takes it; `FILE.py:function` is one of yours.
        contract: what it promises, `trusting`, `safe` or `strict`.
        cases: patterns of case ids; without any, all cases.
        options: further ones of the gate, such as `--quick`.
    """
    gate = [sys.executable, os.path.join(harness, "ci", "gate")]
    patterns = [word for pattern in cases for word in ("--case", pattern)]
    environment = {name: text for name, text in os.environ.items() if not name.startswith(("PYTEST_", "TRITON_INT"))}

    def run(*words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run([*gate, *words, *patterns], capture_output=True, text=True, env=environment)

    @cache
    def report() -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "gate.json")
            done = run("--impl", implementation, "--contract", contract, "--json", path, *options)
            if not os.path.exists(path):
                raise RuntimeError(f"the gate ended with {done.returncode}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
            with open(path, encoding="utf-8") as file:
                return dict(json.load(file))

    listed = run("--list", *(word for pair in _pairs(options) if pair[0] in OF_CASES for word in pair))
    if listed.returncode:
        raise RuntimeError(f"the gate cannot list its cases: {listed.stdout}{listed.stderr}")
    ids = [line.split()[0] for line in listed.stdout.splitlines() if line.strip()]

    @pytest.mark.parametrize("case", ids)
    def test(case: str) -> None:
        told = report()
        found = [of for of in told["findings"] if of["case"] == case]
        undecided = [of["reason"] for of in told["undecided"] if of["case"] in (case, None)]
        if found or undecided:
            lines = [f"rule {of['rule']}, {of['function']}: {of['message']}" for of in found]
            pytest.fail("\n".join([*lines, *(f"could not decide: {why}" for why in undecided)]), pytrace=False)
        if told["results"].get(case) != "clean":
            pytest.skip(told["results"].get(case, "not reached"))

    return test


def _pairs(options: Sequence[str]) -> list[Sequence[str]]:
    return [options[place : place + 2] for place in range(len(options))]
