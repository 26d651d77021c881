"""Accesses that only show when each one is checked: outside a tensor, of undefined lanes, twice, or racing."""

from itertools import product

from tests.planted.bugs.bug import Bug, cites, constant


def _with_number(number: str, statement: str) -> dict[str, str]:
    """Return the edits that have program 0 execute a statement, which may use a `NUMBER` that the host computes."""
    return {
        **constant("NUMBER", number),
        "    program = tl.program_id(0)\n": f"    program = tl.program_id(0)\n    if program == 0:\n        {statement}\n",
    }


def _one_byte(does: str, side: str, tensor: str, pointer: str, rule: int) -> Bug:
    """Return a bug that reaches for the byte next to one end of a tensor."""
    address = f"{pointer}.to(tl.pointer_type(tl.uint8)) + NUMBER"
    number = "-1" if side == "before" else f"{tensor}.numel() * {tensor}.element_size()"
    place = f"1 before the start of {tensor}" if side == "before" else f"0 past the end of {tensor}"
    return Bug(
        name=f"one-byte-{does}-{side}-{tensor.replace('_', '-')}",
        edits=_with_number(number, f"tl.load({address})" if does == "read" else f"tl.store({address}, 7)"),
        **cites(rule, on="batches/3", says=f"{'read' if does == 'read' else 'wrote'} 1 byte at {place}"),
    )


_POINTERS = {"buf": "buf_ptr", "page_indices": "table_ptr", "seq_lens": "lens_ptr", "k": "k_ptr", "s": "s_ptr"}
ONE_BYTE = [
    _one_byte(does, side, *tensor, rule)
    for (does, rule), side, tensor in product((("read", 4), ("write", 7)), ("before", "after"), _POINTERS.items())
]

WILD_ACCESSES = [
    *ONE_BYTE,
    Bug(
        name="page-table-read-through-the-pool",
        edits=_with_number("page_indices.data_ptr() - buf.data_ptr()", "tl.load(buf_ptr + NUMBER)"),
        **cites(4, on="batches/3", says="of buf"),
    ),
    Bug(
        name="page-table-read-past-its-end",
        edits={
            "    is_page = is_row": "    page += 0 * tl.load(entry + table_step, mask=is_row, other=0)\n    is_page = is_row"
        },
        **cites(4, on="tables/one-column", says="past the end of page_indices"),
    ),
    Bug(
        name="lengths-read-past-their-end",
        edits={"lens_stride, mask=index < batch, other=0)": "lens_stride, mask=index <= batch, other=0)"},
        **cites(4, on="batches/3", says="past the end of seq_lens"),
    ),
    Bug(
        name="pool-read-past-its-end",
        edits={
            "    page_start = page": "    page = tl.where(is_row, page, num_pages)\n"
            "    is_page = is_page | ((row < rows + 32) & (token >= length))\n    page_start = page"
        },
        **cites(4, on="lengths/one-token", says="past the end of buf"),
    ),
    Bug(
        name="rows-written-past-the-end",
        edits={
            "mask=is_row[:, None] & (lane < HEAD_DIM)[None, :])": "mask=(token < length + 1)[:, None] & (lane < HEAD_DIM)[None, :])"
        },
        **cites(7, on=("lengths/one-token", "lengths/page-plus-one"), says="past the end"),
    ),
    Bug(
        name="wrap-that-lands-in-the-pool",
        edits={
            "    page_start = page": "    page = (page.to(tl.int32) * 65536 * 65537 // 65537 // 65536).to(tl.int64)\n    page_start = page"
        },
        **cites(12, on="lengths/two-pages"),
    ),
    Bug(
        name="undefined-lanes-summed",
        edits={"mask=index < batch, other=0).to(tl.int64)": "mask=index < batch).to(tl.int64)"},
        **cites(15, on="batches/3", says="undefined"),
    ),
    Bug(
        name="page-entry-of-undefined-lanes-used",
        edits={"mask=is_row & (ordinal < max_pages), other=-1)": "mask=(token < length - 1) & (ordinal < max_pages))"},
        **cites(15, on=("lengths/one-token", "lengths/page")),
    ),
    Bug(
        name="two-programs-write-the-same-rows",
        edits={
            "k_to = k_ptr + (row * HEAD_DIM)[:, None]": "is_row = is_row | ((token < BLOCK) & (row < rows))\n        k_to = k_ptr + (row * HEAD_DIM)[:, None]"
        },
        **cites(8, on="lengths/boundaries-together"),
    ),
    Bug(
        name="keys-loaded-twice",
        edits={
            "        k_to = k_ptr": "        k = k | tl.load(k_from, mask=is_page[:, None] & (lane < HEAD_DIM)[None, :], other=0)\n        k_to = k_ptr"
        },
        **cites(19, on="lengths/page", says="bytes of buf, should be"),
    ),
    Bug(
        name="rows-stored-twice",
        edits={
            "        s_to = s_ptr": "        tl.store(s_ptr + (row * 4)[:, None] + scale_lane[None, :], s, mask=is_row[:, None])\n        s_to = s_ptr"
        },
        **cites(19, on="lengths/page", says="wrote"),
    ),
]
