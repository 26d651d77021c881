"""The gate's command line. Needs the standard library only, so that bad usage is told before any set-up."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.calls import files
from tests.contract import Contract

QUICK_SEEDS = 8
"""Random cases of a quick run, unless the user says how many."""


@dataclass(frozen=True)
class Options:
    """What the user asks the gate to do."""

    implementation: str
    contract: str
    device: str
    patterns: tuple[str, ...]
    quick: bool
    fail_fast: bool
    seeds: int | None
    seeds_from: int
    workers: int | None
    """Processes to examine in, or None for one a core or a GPU."""
    report: Path | None
    """Where the JSON report goes, if anywhere."""
    listing: bool
    """Whether to list the cases and examine none."""
    cost: bool = False
    """Whether to count what calls cost, and examine no case."""
    base: str | None = None
    """Git revision whose kernels the latency of the head is compared with."""
    history: bool = False
    """Whether to compare latency with stored runs."""
    certify: bool = False
    """Whether to measure what the latency gate sees here."""
    speed: bool = False
    """Whether to measure implementations side by side on a GPU, and examine no case."""
    runs: int | None = None
    """Draws of memory that are measured for `speed`, or None for as many as it takes by itself."""
    accept_cost: bool = False
    """Whether what was counted becomes the baseline."""


def parse(arguments: Sequence[str]) -> Options:
    """Return the options that a command line means.

    Raises:
        SystemExit: with code 2 after a line that names the wrong argument, or with 0 after `--help`.
    """
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.accept_cost and not given.cost:
        parser.error("argument --accept-cost: accepts what --cost counts, which is missing")
    if given.cost and (given.case or given.list or given.quick or given.fail_fast):
        parser.error("argument --cost: has its own workloads; it takes --impl, --accept-cost and --json")
    if sum((given.base is not None, given.history, given.certify, given.cost, given.speed)) > 1:
        parser.error("argument --base: is one job, as --history, --certify, --cost and --speed are; choose one")
    if given.speed and (given.case or given.list or given.quick or given.fail_fast):
        parser.error("argument --speed: has its own workloads; it takes --impl, --runs and --json")
    for flag, is_given in (
        ("--base", given.base is not None),
        ("--history", given.history),
        ("--certify", given.certify),
    ):
        if is_given and (given.case or given.list or given.quick or given.fail_fast):
            parser.error(f"argument {flag}: has its own workloads; it takes no choice of cases")
        if is_given and given.impl != "own" and flag != "--history":
            parser.error(f"argument {flag}: is about the project's kernels; for --impl there are --history and --speed")
    if given.runs is not None and not given.speed:
        parser.error("argument --runs: is of --speed, which is missing")
    if given.json is not None and not given.list:
        try:
            files.refuse_unless_replaceable(given.json)
        except files.NotWritten as error:
            parser.error(f"argument --json: {error}")
    return Options(
        implementation=given.impl,
        contract=given.contract,
        device=given.device,
        patterns=tuple(given.case),
        quick=given.quick,
        fail_fast=given.fail_fast,
        seeds=QUICK_SEEDS if given.quick and given.seeds is None else given.seeds,
        seeds_from=given.seeds_from,
        workers=given.workers,
        report=given.json,
        listing=given.list,
        cost=given.cost,
        speed=given.speed,
        runs=given.runs,
        accept_cost=given.accept_cost,
        base=given.base,
        history=given.history,
        certify=given.certify,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gate",
        description="Examine an implementation of a paged K/S gather on every case of the catalogue.",
        epilog="exit codes: 0 clean, 1 findings, 2 could not decide or bad usage",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--impl", default="own", metavar="NAME", help="own, sglang, torch, PATH.py, or package.module[:name]")
    add(
        "--contract",
        default=Contract.STRICT.label,
        choices=[level.label for level in Contract],
        help="what the implementation promises (default: %(default)s)",
    )
    add("--json", type=Path, metavar="FILE", help="write the report there")
    add("--quick", action="store_true", help="leave heavy cases out on the CPU")
    add("--fail-fast", action="store_true", help="stop at the first case that is not clean")
    add(
        "--case",
        action="append",
        default=[],
        metavar="PATTERN",
        help="only cases like family/name; repeatable",
    )
    add(
        "--device",
        choices=["auto", "cpu", "cuda"],
        default="auto",
        help="where kernels run (default: %(default)s)",
    )
    add("--seeds", type=_count, metavar="COUNT", help="number of random cases")
    add("--seeds-from", type=_count, default=0, metavar="N", help="first seed of the random cases")
    add("-n", "--workers", type=_positive, metavar="N", help="processes (default: one a core, or one a GPU)")
    add("--list", action="store_true", help="list the cases and examine none")
    add("--cost", action="store_true", help="count what calls cost, on no GPU, against the baseline; examine no case")
    add("--base", metavar="REV", help="compare latency with the kernels of a git revision, on a GPU; examine no case")
    add("--history", action="store_true", help="compare latency with stored runs of this machine; examine no case")
    add("--certify", action="store_true", help="measure what the latency gate sees on this machine")
    add("--speed", action="store_true", help="measure implementations side by side, on a GPU; examine no case")
    add("--runs", type=_positive, metavar="N", help="with --speed: draws of memory to measure (default: 3)")
    add("--accept-cost", action="store_true", help="with --cost: make what is counted the baseline")
    return parser


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"expected a whole number from 0 on, not {text!r}")
    return int(text)


def _positive(text: str) -> int:
    # Cases run in processes of their own, however few, so that a crash costs one case.
    if not (text.isascii() and text.isdigit()) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 on, not {text!r}")
    return int(text)
