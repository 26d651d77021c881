"""Bugs that no row of the catalogue shows: the fuzzer must find them."""

from tests.planted.bugs.bug import Bug, at_the_end, cites, kept

UNSEEN = [
    Bug(
        name="many-sequences-with-an-odd-stride",
        edits={
            "        _planted_kernel[grid](\n": "        odd = batch > 300 and page_indices.stride(0) % 2\n        _planted_kernel[grid](\n",
            "            seq_len_sum,\n            buf.stride(0),": "            seq_len_sum - int(odd),\n            buf.stride(0),",
        },
        **cites(4, 10, on=()),
    ),
    Bug(
        name="page-at-a-wrap-in-pages-of-48",
        edits={
            "page_start = page * buf_stride": "page_start = page * buf_stride if PAGE_SIZE != 48 else (page.to(tl.int32) * buf_stride.to(tl.int32)).to(tl.int64)"
        },
        **cites(12, on=()),
    ),
    Bug(
        name="longer-than-the-call-before-an-empty-one",
        edits={
            **kept("SUMS"),
            **at_the_end(
                "before, last = SUMS.get((with_k, with_s), (0, 0))",
                "SUMS[with_k, with_s] = last, seq_len_sum",
                "if last == 0 and 10 <= before < seq_len_sum:",
                "    k[-1:], s[-1:] = 0x55, 0x55",
            ),
        },
        **cites(7, on=()),
    ),
]
