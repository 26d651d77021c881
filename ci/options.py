"""The gate's command line. Needs the standard library only, so that bad usage is told before any set-up."""

import argparse
from collections.abc import Sequence
from typing import Any

import ci.cost.options
import ci.examination.options
import ci.fuzz.options
import ci.history.options
import ci.kills.options
import ci.latency.options
import ci.prove.options
import ci.report.options
import ci.sanitizer.options
import ci.speed.options
from ci.job import Job
from tests.calls import files

EXAMINE = ci.examination.options.JOB
JOBS = (
    EXAMINE,
    ci.cost.options.JOB,
    ci.prove.options.JOB,
    ci.kills.options.JOB,
    ci.fuzz.options.JOB,
    ci.speed.options.JOB,
    ci.latency.options.LATENCY,
    ci.latency.options.CERTIFY,
    ci.history.options.JOB,
    ci.report.options.JOB,
    ci.sanitizer.options.JOB,
)


def parse(arguments: Sequence[str]) -> tuple[Job, Any]:
    """Return the job that a command line asks for, and the job's own options.

    Args:
        arguments: those behind the gate's name. Without the name of a job, cases are examined.

    Raises:
        SystemExit: with code 2 after a line that names the wrong argument, or with 0 after `--help`.
    """
    job = next((job for job in JOBS if arguments and arguments[0] == job.name), None)
    rest = arguments[1:] if job else arguments
    job = job or EXAMINE
    parser = _parser(job)
    if job is EXAMINE:
        _refuse_former(parser, rest)
    given = parser.parse_args(rest)
    try:
        options = job.read(given)
    except argparse.ArgumentTypeError as error:
        parser.error(str(error))
    path = getattr(given, "report", None)
    if path is not None:
        try:
            files.refuse_unless_replaceable(path)
        except files.NotWritten as error:
            parser.error(f"argument --json: {error}")
    return job, options


def _parser(job: Job) -> argparse.ArgumentParser:
    epilog = f"example: ./ci/gate {job.example}\n\nexit codes: 0 clean, 1 findings, 2 could not decide or bad usage"
    if job is EXAMINE:
        width = max(len(job.name) for job in JOBS)
        others = "\n".join(f"  gate {other.name:{width}}  {other.about}" for other in JOBS)
        epilog = f"jobs, each with its own --help:\n{others}\n\n{epilog}"
    parser = argparse.ArgumentParser(
        prog="gate" if job is EXAMINE else f"gate {job.name}",
        usage="%(prog)s [examine] [options]" if job is EXAMINE else None,
        description=job.about,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    job.declare(parser)
    return parser


def _refuse_former(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
    """End with the new command where an option was once a job, and with the jobs' names where a word is none."""
    formerly = {flag: words for job in JOBS for flag, words in job.formerly.items()}
    for argument in arguments:
        flag = argument.partition("=")[0]
        if flag in formerly:
            parser.exit(2, f"gate: {flag} is a job of its own now: ./ci/gate {formerly[flag]}\n")
    if arguments and not arguments[0].startswith("-"):
        names = ", ".join(job.name for job in JOBS)
        parser.error(f"{arguments[0]!r} is no job; expected one of {names}, or options")
