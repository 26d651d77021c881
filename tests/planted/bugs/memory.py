"""Layouts in memory, invalid pages, wrapped addresses, host and device at odds."""

from tests.planted.bugs.bug import CHECK, LAUNCH, Bug, cites
from tests.planted.bugs.harmless import STARTS_IN_32_BITS

_PAGE_START = "    page_start = page * buf_stride\n"

TABLES = [
    Bug(
        name="table-width-for-its-stride",
        edits={"page_indices.stride(0)": "page_indices.shape[1]"},
        **cites(10, on=("tables/sliced", "tables/sliced-int64")),
    ),
    Bug(
        name="table-columns-side-by-side",
        edits={"page_indices.stride(1)": "1"},
        **cites(10, on=("tables/transposed", "tables/every-other-column")),
    ),
    Bug(
        name="lengths-side-by-side",
        edits={"seq_lens.stride(0)": "1"},
        **cites(10, on=("tables/lens-every-other", "tables/lens-every-other-int32")),
    ),
    Bug(
        name="pages-side-by-side",
        edits={"buf.stride(0)": "buf.shape[1]"},
        **cites(10, on=("pools/row-gap-4", "pools/row-gap-8448")),
    ),
    Bug(
        name="bytes-of-a-page-side-by-side",
        edits={CHECK: "    check_arguments(buf.as_strided(buf.shape, (buf.stride(0), 1)), *arguments[1:])\n"},
        **cites(10, on=("pools/byte-step-2", "pools/byte-step-3-and-gap")),
    ),
    Bug(
        name="storage-offset-forgotten",
        edits={
            LAUNCH: "        _planted_kernel[grid](\n            buf.as_strided(buf.shape, buf.stride(), max(0, buf.storage_offset() - buf.storage_offset() % 4096)),"
        },
        **cites(10, on=("pools/offset-16", "pools/offset-1")),
    ),
    Bug(
        name="int64-table-cut-to-32-bits",
        edits={"other=-1).to(tl.int64)": "other=-1).to(tl.int32).to(tl.int64)"},
        **cites(11, on="invalid-pages/2-32-plus-3-int64", says="cast to int32"),
    ),
    Bug(
        name="int64-table-read-as-int32",
        edits={
            "            page_indices,\n            seq_lens,": "            page_indices.view(torch.int32),\n            seq_lens,"
        },
        **cites(3, 10, on="tables/int64-lens-int64"),
    ),
    Bug(
        name="stale-tail-used",
        edits={
            "is_page = is_row": "last = tl.load(table_ptr + sequence * table_stride + (max_pages - 1) * table_step)\n    is_page = (last < num_pages) & is_row"
        },
        **cites(5, on="tables/tail-huge"),
    ),
]

INVALID_PAGES = [
    Bug(
        name="invalid-page-clamped",
        edits={
            "    is_page = is_row": "    page = tl.minimum(tl.maximum(page, 0), num_pages - 1)\n    is_page = is_row"
        },
        **cites(
            11,
            on=("invalid-pages/minus-one-first", "invalid-pages/num-pages-last", "invalid-pages/int32-max-middle"),
            says="should be zeros, since page",
        ),
    ),
    Bug(
        name="rows-of-invalid-pages-left-unwritten",
        edits={
            "mask=is_row[:, None] & (lane < HEAD_DIM)[None, :])": "mask=is_page[:, None] & (lane < HEAD_DIM)[None, :])"
        },
        **cites(11, on=("invalid-pages/minus-one-middle", "invalid-pages/int32-min-first"), says="never written"),
    ),
    Bug(
        name="minus-one-counts-from-the-end",
        edits={"is_page = is_row": "page = tl.where(page < 0, page + num_pages, page)\n    is_page = is_row"},
        **cites(11, on=("invalid-pages/minus-one-first", "invalid-pages/minus-one-all")),
    ),
    Bug(
        name="page-just-past-the-pool-accepted",
        edits={"(page < num_pages)": "(page <= num_pages)"},
        **cites(11, on=("invalid-pages/num-pages-first", "invalid-pages/num-pages-last")),
    ),
    Bug(
        name="one-invalid-page-empties-its-block",
        edits={
            "is_page = is_row": "is_row = is_row & (tl.min(tl.where(is_row, page, 0), 0) >= 0)\n    is_page = is_row"
        },
        **cites(9, on="invalid-pages/page-1"),
    ),
]

ADDRESSES = [
    Bug(
        name="page-offset-in-32-bits",
        edits={
            "page_start = page * buf_stride": "page_start = (page.to(tl.int32) * tl.cast(buf_stride, tl.int32)).to(tl.int64)"
        },
        **cites(
            12,
            on=("pools/past-2-gib", "pools/past-4-gib", "pools/page-at-2-gib-exactly", "pools/page-1-past-2-gib"),
            says="was computed in int32",
        ),
    ),
    Bug(
        name="page-offset-in-unsigned-32-bits",
        edits={_PAGE_START: _PAGE_START + "    page_start = page_start & 0xFFFFFFFF\n"},
        **cites(12, on=("pools/past-4-gib", "pools/past-8-gib-int64", "pools/page-at-4-gib-exactly")),
    ),
    Bug(
        name="page-offset-in-33-bits",
        edits={_PAGE_START: _PAGE_START + "    page_start = page_start & 0x1FFFFFFFF\n"},
        **cites(12, on="pools/past-8-gib"),
    ),
    Bug(
        name="scale-offset-in-32-bits",
        edits={
            "(page_start + PAGE_SIZE * HEAD_DIM + slot * 4)": "((page_start + PAGE_SIZE * HEAD_DIM).to(tl.int32) + slot * 4)"
        },
        **cites(12, on="pools/past-2-gib", says="of S are wrong"),
    ),
    Bug(
        name="table-row-in-31-bits",
        edits={
            "entry = table_ptr + sequence * table_stride": "entry = table_ptr + (sequence * table_stride & 0x7FFFFFFF)"
        },
        **cites(12, on="tables/past-2-31-entries"),
    ),
]

DISAGREEMENT = [
    Bug(
        name="device-lengths-trusted-for-rows",
        edits={
            "is_row = (token < length) & (row < rows)": "is_row = token < length",
            "lengths = tl.minimum(tl.maximum(lengths, 0), rows)": "lengths = tl.minimum(tl.maximum(lengths, 0), 4096)",
        },
        **cites(13, on="disagreement/sum-too-small-by-one", says="past the end of k"),
    ),
    Bug(
        name="wrapped-start-not-range-checked",
        edits={
            **STARTS_IN_32_BITS,
            "is_row = (token < length) & (row < rows)": "is_row = (token < length) & (row < rows) ",
        },
        **cites(13, on="disagreement/device-huge-int32", says="which leaves k"),
    ),
]
