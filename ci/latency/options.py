"""The command lines of `gate latency` and `gate certify`."""

import argparse

from ci.job import Job, add_report
from ci.setup import extras
from tests.examine.selection import add_options

OWN = "own"


def _declare_latency(parser: argparse.ArgumentParser) -> None:
    one = parser.add_mutually_exclusive_group(required=True)
    one.add_argument("--base", metavar="REV", help="compare with the kernels of a git revision")
    one.add_argument("--history", action="store_true", help="compare with stored runs of this machine")
    add_options(parser.add_argument, "--impl")
    add_report(parser)


def _read_latency(given: argparse.Namespace) -> argparse.Namespace:
    if given.base is not None and given.implementation != OWN:
        raise argparse.ArgumentTypeError(
            "argument --impl: --base is about the project's kernels; there are --history and gate speed for others"
        )
    return given


LATENCY = Job(
    name="latency",
    about="Tell whether a gather is slower than it was, on a GPU.",
    example="latency --base main",
    declare=_declare_latency,
    read=_read_latency,
    module="ci.latency.command",
    extras=lambda options: [extras.NVML, *extras.of_implementations(options.implementation)],
    formerly={"--base": "latency --base REV", "--history": "latency --history"},
)
CERTIFY = Job(
    name="certify",
    about="Measure what gate latency sees on this machine, and how often it is wrong.",
    example="certify --json certificate.json",
    declare=add_report,
    module="ci.latency.certify",
    extras=lambda options: [extras.NVML],
    formerly={"--certify": "certify"},
)
