"""Accesses that only show when each one is checked: outside a tensor, of undefined lanes, twice, or racing."""

from tests.seeded.bugs.bug import Bug

WILD_ACCESSES = [
    Bug(
        name="page-table-read-past-its-end",
        edits={
            "    is_page = is_row": "    page += 0 * tl.load(entry + table_step, mask=is_row, other=0)\n    is_page = is_row"
        },
        rules=(4,),
        cases=("tables/one-column",),
        says="past the end of page_indices",
    ),
    Bug(
        name="lengths-read-past-their-end",
        edits={"lens_stride, mask=index < batch, other=0)": "lens_stride, mask=index <= batch, other=0)"},
        rules=(4,),
        cases=("batches/3",),
        says="past the end of seq_lens",
    ),
    Bug(
        name="pool-read-past-its-end",
        edits={
            "is_page = is_row & (page": "page = tl.where(is_row, page, num_pages)\n    is_page = (row < rows + 32) & (page",
            "(page < num_pages)": "(page <= num_pages)",
        },
        rules=(4,),
        cases=("lengths/one-token",),
        says="past the end of buf",
    ),
    Bug(
        name="rows-written-past-the-end",
        edits={
            "mask=is_row[:, None] & (lane < HEAD_DIM)[None, :])": "mask=(token < length + 1)[:, None] & (lane < HEAD_DIM)[None, :])"
        },
        rules=(7,),
        cases=("lengths/one-token", "lengths/page-plus-one"),
        says="past the end",
    ),
    Bug(
        name="wrap-that-lands-in-the-pool",
        edits={
            "page_start = page * buf_stride": "page_start = (page.to(tl.int32) * 65536 * 65537 // 65537 // 65536).to(tl.int64) * buf_stride"
        },
        rules=(12,),
        cases=("lengths/two-pages",),
    ),
    Bug(
        name="undefined-lanes-summed",
        edits={"mask=index < batch, other=0).to(tl.int64)": "mask=index < batch).to(tl.int64)"},
        rules=(15,),
        cases=("batches/3",),
        says="undefined",
    ),
    Bug(
        name="page-entry-of-undefined-lanes-used",
        edits={"mask=is_row & (ordinal < max_pages), other=-1)": "mask=(token < length - 1) & (ordinal < max_pages))"},
        rules=(15,),
        cases=("lengths/one-token", "lengths/page"),
    ),
    Bug(
        name="two-programs-write-the-same-rows",
        edits={
            "k_to = k_ptr + (row * HEAD_DIM)[:, None]": "is_row = is_row | ((token < BLOCK) & (row < rows))\n        k_to = k_ptr + (row * HEAD_DIM)[:, None]"
        },
        rules=(8,),
        cases=("lengths/boundaries-together",),
    ),
    Bug(
        name="keys-loaded-twice",
        edits={
            "        k_to = k_ptr": "        k = k | tl.load(k_from, mask=is_page[:, None] & (lane < HEAD_DIM)[None, :], other=0)\n        k_to = k_ptr"
        },
        rules=(19,),
        cases=("lengths/page",),
        says="bytes of buf, should be",
    ),
    Bug(
        name="rows-stored-twice",
        edits={
            "        s_to = s_ptr": "        tl.store(s_ptr + (row * 4)[:, None] + scale_lane[None, :], s, mask=is_row[:, None])\n        s_to = s_ptr"
        },
        rules=(19,),
        cases=("lengths/page",),
        says="wrote",
    ),
]
