"""Bad arguments that pass, or are refused without a name."""

from tests.planted.bugs.bug import CHECK, Bug

REFUSALS = [
    Bug(name=f"unchecked-{name}", edits={CHECK: code}, rules=(14,), cases=cases)
    for name, code, cases in [
        (
            "table-width",
            "    check_arguments(*arguments[:4], 0, *arguments[5:])\n",
            ("bad-arguments/max-seq-len-past-the-table", "bad-arguments/page-indices-too-narrow"),
        ),
        (
            "table-dtype",
            "    check_arguments(buf, page_indices.int(), *arguments[2:])\n",
            ("bad-arguments/page-indices-float32", "bad-arguments/page-indices-int16"),
        ),
        (
            "lengths-dtype",
            "    check_arguments(buf, page_indices, seq_lens.int(), *arguments[3:])\n",
            ("bad-arguments/seq-lens-float64",),
        ),
        (
            "batch-size",
            "    check_arguments(buf, page_indices, seq_lens[:1].expand(len(page_indices)), *arguments[3:])\n",
            ("bad-arguments/seq-lens-one-more",),
        ),
        (
            "negative-sum",
            "    check_arguments(*arguments[:3], abs(seq_len_sum), *arguments[4:])\n    seq_len_sum = abs(seq_len_sum)\n",
            ("bad-arguments/seq-len-sum-negative",),
        ),
        (
            "error-without-a-name",
            "    try:\n        check_arguments(*arguments)\n    except (TypeError, ValueError):\n"
            "        raise ValueError('bad input') from None\n",
            ("bad-arguments/buf-int8", "bad-arguments/page-size-zero"),
        ),
        (
            "assert-for-an-error",
            "    try:\n        check_arguments(*arguments)\n    except (TypeError, ValueError) as error:\n"
            "        raise AssertionError(str(error)) from None\n",
            ("bad-arguments/buf-int8",),
        ),
    ]
]
