"""Bad arguments that pass, or are refused without a name."""

from tests.planted.bugs.bug import CHECK, Bug

NAMELESS = {
    "from kernels.arguments import check_arguments\n": """\
from kernels.arguments import check_arguments as _check


def check_arguments(*arguments):
    try:
        _check(*arguments)
    except (TypeError, ValueError):
        raise ValueError("bad input") from None
"""
}
"""Refuses without naming an argument."""

REFUSALS = [
    Bug(name=f"unchecked-{name}", edits=edits, rules=(14,), cases=cases)
    for name, edits, cases in [
        (
            "table-width",
            {CHECK: "    arguments = (*arguments[:4], 0, *arguments[5:])\n" + CHECK},
            ("bad-arguments/max-seq-len-past-the-table", "bad-arguments/page-indices-too-narrow"),
        ),
        (
            "table-dtype",
            {CHECK: "    arguments = (buf, page_indices.int(), *arguments[2:])\n" + CHECK},
            ("bad-arguments/page-indices-float32", "bad-arguments/page-indices-int16"),
        ),
        (
            "lengths-dtype",
            {CHECK: "    arguments = (buf, page_indices, seq_lens.int(), *arguments[3:])\n" + CHECK},
            ("bad-arguments/seq-lens-float64",),
        ),
        (
            "batch-size",
            {
                CHECK: "    arguments = (buf, page_indices, seq_lens[:1].expand(len(page_indices)), *arguments[3:])\n"
                + CHECK
            },
            ("bad-arguments/seq-lens-one-more",),
        ),
        (
            "negative-sum",
            {
                CHECK: "    seq_len_sum = abs(seq_len_sum)\n    arguments = (*arguments[:3], seq_len_sum, *arguments[4:])\n"
                + CHECK
            },
            ("bad-arguments/seq-len-sum-negative",),
        ),
        (
            "error-without-a-name",
            NAMELESS,
            ("bad-arguments/buf-int8", "bad-arguments/page-size-zero"),
        ),
        (
            "assert-for-an-error",
            {
                CHECK: "    try:\n        check_arguments(*arguments)\n    except (TypeError, ValueError) as error:\n"
                "        raise AssertionError(str(error)) from None\n"
            },
            ("bad-arguments/buf-int8",),
        ),
    ]
]
