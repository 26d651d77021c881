"""Wrong pages, tokens, lanes and bytes on good input."""

from tests.planted.bugs.bug import Bug, at_the_end, cites, constant


def _search_one_step_short(least: int, case: str) -> Bug:
    """Return a binary search for a block's sequence that lacks a step where each of 2^k - 1 sequences has tokens, as
    the one of a public kernel did from a batch of 31 on."""
    steps = f"batch.bit_length() - (batch >= {least} and batch & (batch + 1) == 0)"
    return Bug(
        name=f"search-one-step-short-from-{least}",
        edits={
            "    is_before = (ends <= block) & (index < batch)\n    sequence = tl.sum(is_before.to(tl.int64), 0)\n": (
                "    low, high = block * 0, block * 0 + batch\n"
                "    for _ in range(STEPS):\n"
                "        middle = (low + high) // 2\n"
                "        is_past = tl.sum(tl.where(index == middle, ends, 0), 0) <= block\n"
                "        is_open = low < high\n"
                "        low = tl.where(is_open & is_past, middle + 1, low)\n"
                "        high = tl.where(is_open & (is_past == 0), middle, high)\n"
                "    sequence = low\n"
                "    is_before = index < sequence\n"
            ),
            **constant("STEPS", steps),
        },
        **cites(4, on=case),
    )


WRONG_ROWS = [
    _search_one_step_short(16, "batches/31-full"),
    _search_one_step_short(32, "batches/63-full"),
    _search_one_step_short(64, "batches/127-full"),
    Bug(
        name="page-off-by-one",
        edits={"page_start = page * buf_stride": "page_start = tl.maximum(page - 1, 0) * buf_stride"},
        **cites(4, on=("lengths/two-pages-plus-one", "tables/reversed"), says="should be page"),
    ),
    Bug(
        name="tail-of-the-last-block-missing",
        edits={"is_row = (token < length) & (row < rows)": "is_row = (token < length // BLOCK * BLOCK) & (row < rows)"},
        **cites(4, on=("lengths/page-plus-one", "lengths/one-token"), says="never written"),
    ),
    Bug(
        name="last-token-missing",
        edits={"(index == sequence, lengths, 0), 0)": "(index == sequence, lengths - 1, 0), 0)"},
        **cites(4, on=("lengths/one-token", "lengths/page"), says="never written"),
    ),
    Bug(
        name="scales-from-the-wrong-offset",
        edits={"PAGE_SIZE * HEAD_DIM + slot * 4)": "PAGE_SIZE * HEAD_DIM + slot * 4 - 4)"},
        **cites(4, on="lengths/page", says="of S are wrong"),
    ),
    Bug(
        name="scales-interleaved-with-keys",
        edits={"(page_start + slot * HEAD_DIM)[:, None]": "(page_start + slot * (HEAD_DIM + 4))[:, None]"},
        **cites(4, on="lengths/two-tokens", says="bytes off"),
    ),
    Bug(
        name="scale-bytes-swapped",
        edits={
            "scale_lane = tl.arange(0, 4)": "scale_lane = 3 - tl.arange(0, 4)",
            "s_ptr + (row * 4)[:, None] + scale_lane": "s_ptr + (row * 4)[:, None] + tl.arange(0, 4)",
        },
        **cites(4, on="lengths/one-token", says="of S are wrong"),
    ),
    Bug(
        name="head-dim-fixed-at-128",
        edits={"k_to = k_ptr + (row * HEAD_DIM)[:, None]": "k_to = k_ptr + (row * HEAD_DIM)[:, None] // 128 * 128"},
        **cites(9, on="geometries/head-dim-64"),
    ),
    Bug(
        name="last-lanes-of-a-key-missing",
        edits={
            "k = tl.load(k_from, mask=is_page[:, None] & (lane < HEAD_DIM)[None, :], other=0)": "k = tl.load(k_from, mask=is_page[:, None] & (lane < HEAD_DIM // 64 * 64)[None, :], other=0)"
        },
        **cites(9, on=("geometries/head-dim-96", "geometries/head-dim-132")),
    ),
    Bug(
        name="one-page-for-a-whole-block",
        edits={"ordinal = token // PAGE_SIZE\n": "ordinal = (block * BLOCK) // PAGE_SIZE + token * 0\n"},
        **cites(9, on=("geometries/page-16", "geometries/page-1")),
    ),
    Bug(
        name="page-size-rounded-to-a-power-of-two",
        edits={"slot = token % PAGE_SIZE": "slot = token & (PAGE_SIZE - 1)"},
        **cites(9, on=("geometries/page-48", "geometries/page-7")),
    ),
    Bug(
        name="empty-sequences-not-counted",
        edits={
            "sequence = tl.sum(is_before.to(tl.int64), 0)": "sequence = tl.sum((is_before & (lengths > 0)).to(tl.int64), 0)"
        },
        **cites(4, on=("lengths/zeros-between", "lengths/zero-first")),
    ),
    Bug(
        name="longest-of-the-lengths-for-their-sum",
        edits={
            "start = tl.sum(tl.where(is_before, lengths, 0), 0)": "start = tl.max(tl.where(is_before, lengths, 0), 0)"
        },
        **cites(4, on=("batches/3", "lengths/boundaries-together")),
    ),
    Bug(
        name="batch-cut-at-1024",
        edits={"BATCH_BLOCK=triton.next_power_of_2(batch)": "BATCH_BLOCK=min(triton.next_power_of_2(batch), 1024)"},
        **cites(4, on="batches/1025"),
    ),
    Bug(
        name="batch-rounded-down-to-a-power-of-two",
        edits={"BATCH_BLOCK=triton.next_power_of_2(batch)": "BATCH_BLOCK=1 << (batch.bit_length() - 1)"},
        **cites(4, on=("batches/3", "batches/9", "batches/33")),
    ),
    Bug(
        name="grid-from-the-first-length",
        edits={
            "grid = (seq_len_sum // BLOCK + batch,)": "grid = (max(1, int(seq_lens[0]) // BLOCK + 1) if batch else 0,)"
        },
        **cites(4, on=("lengths/zero-first", "batches/long-last")),
    ),
    Bug(
        name="page-number-in-16-bits",
        edits={"other=-1).to(tl.int64)": "other=-1).to(tl.int64) & 0xFFFF"},
        **cites(4, on="tables/page-16-bits"),
    ),
    Bug(
        name="one-table-row-for-every-sequence",
        edits={"entry = table_ptr + sequence * table_stride": "entry = table_ptr + sequence * 0 * table_stride"},
        **cites(4, on="batches/2"),
    ),
]

BYTES = [
    Bug(
        name="nan-made-quiet",
        edits={
            "        k_to = k_ptr": "        k = tl.where((k & 0x7F) == 0x7F, 0x7F, k).to(tl.uint8)\n        k_to = k_ptr"
        },
        **cites(1, on=("bit-patterns/fp8-and-fp32-nan", "bit-patterns/every-byte")),
    ),
    Bug(
        name="negative-zero-made-positive",
        edits={"        k_to = k_ptr": "        k = tl.where(k == 0x80, 0, k).to(tl.uint8)\n        k_to = k_ptr"},
        **cites(1, on=("bit-patterns/negative-zero-and-denormals", "bit-patterns/every-byte")),
    ),
    Bug(
        name="denormal-scales-flushed",
        edits=at_the_end("f = s.view(torch.float32)", "f[f.abs() < 1.2e-38] = 0"),
        **cites(1, on="bit-patterns/negative-zero-and-denormals"),
    ),
    Bug(
        name="scales-through-bfloat16",
        edits=at_the_end("s = s.view(torch.float32).bfloat16().float().view(torch.uint8)"),
        **cites(4, on="lengths/page"),
    ),
]
