"""The command line of `gate prove`."""

import argparse
from collections.abc import Mapping
from typing import Any

from ci.job import Job, add_report
from ci.setup import extras
from tests.calls.implementations import FUNCTIONS
from tests.contract import Rule
from tests.examine.selection import add_options

OF_MEMORY = (Rule.STRIDES, Rule.INVALID_PAGES, Rule.BIG_ADDRESSES, Rule.DISAGREEMENT, Rule.UNDEFINED)
"""Rules of where accesses lead, and of what is undefined."""
OF_CONTENTS = (Rule.BYTES, Rule.TABLE_TAIL, Rule.SAME_BYTES, Rule.TRAFFIC)
"""Rules of what results hold, and of how it gets there; rows of invalid pages, too, are shown with these."""
MOST_PATHS = 400
PRODUCTION: Mapping[str, Any] = {
    "page_size": 64,
    "index_head_dim": 128,
    "table_dtype": "int32",
    "lens_dtype": "int64",
}
DTYPES = ("int32", "int64")


def _declare(parser: argparse.ArgumentParser) -> None:
    add_options(parser.add_argument, "--impl", "--page-size", "--index-head-dim")
    for what in ("table_dtype", "lens_dtype"):
        parser.add_argument(
            f"--{what.replace('_', '-')}", choices=DTYPES, default=PRODUCTION[what], help="default: %(default)s"
        )
    parser.add_argument(
        "--function", dest="functions", action="append", choices=FUNCTIONS, default=[], help="default: all; repeatable"
    )
    rules = sorted(int(rule) for rule in (*OF_MEMORY, *OF_CONTENTS))
    parser.add_argument(
        "--rule",
        dest="rules",
        type=int,
        action="append",
        choices=rules,
        default=[],
        help="default: 10 to 13 and 15, where accesses lead; what results hold, 1, 5, 8 and 19, takes longer",
    )
    parser.add_argument(
        "--everywhere",
        action="store_true",
        help="also other dtypes than production's, pools at odd addresses, and the catalogue's other geometries",
    )
    parser.add_argument(
        "--paths", type=int, default=MOST_PATHS, metavar="N", help=f"ways through the host's code; default {MOST_PATHS}"
    )
    add_report(parser)


JOB = Job(
    name="prove",
    about="Prove, on no GPU, that no input of any kind makes a kernel reach outside its memory; or find one that does.",
    example="prove --impl my_gather.py",
    declare=_declare,
    module="ci.prove.command",
    extras=lambda options: [extras.Z3, *extras.of_implementations(options.implementation)],
)
