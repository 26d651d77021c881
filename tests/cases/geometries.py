"""Page sizes and key widths other than production's."""

from tests.cases.case import Case, family

QUESTION = "values"

PAGE_SIZES = (1, 2, 3, 7, 16, 32, 48, 100, 128, 256)
HEAD_DIMS = (4, 12, 64, 96, 132, 256, 384, 512)

CASES = family(
    "geometries",
    [
        *(
            Case(name=f"page-{size}", rules=(9,), seq_lens=(2 * size + 1, size, 130, max(size - 1, 0)), page_size=size)
            for size in PAGE_SIZES
        ),
        *(Case(name=f"head-dim-{dim}", rules=(9,), seq_lens=(130, 64, 1), index_head_dim=dim) for dim in HEAD_DIMS),
        Case(name="page-512", rules=(9,), seq_lens=(1025, 130, 511), page_size=512, heavy=True),
        Case(name="page-256-head-dim-512", rules=(9,), seq_lens=(300, 255), page_size=256, index_head_dim=512),
        # Page numbers that fit neither 24 bits nor the integers that fp32 holds exactly.
        Case(
            name="page-24-bits",
            rules=(9, 4),
            seq_lens=(3, 2),
            page_size=1,
            index_head_dim=4,
            num_pages=2**24 + 9,
            page_at={(0, 0): 2**24 + 1, (0, 1): 2**24 - 1, (0, 2): 2**24 + 3, (1, 0): 2**24 + 8, (1, 1): 1},
        ),
        Case(name="page-1-head-dim-64", rules=(9,), seq_lens=(70, 3), page_size=1, index_head_dim=64),
        Case(name="page-16-head-dim-96", rules=(9,), seq_lens=(70, 33), page_size=16, index_head_dim=96),
        Case(name="page-48-head-dim-96", rules=(9,), seq_lens=(150, 47), page_size=48, index_head_dim=96),
        Case(name="page-128-head-dim-256", rules=(9,), seq_lens=(300, 127), page_size=128, index_head_dim=256),
        Case(name="page-1-tail-huge", rules=(9, 5), seq_lens=(70, 3), page_size=1, tail="huge"),
        Case(name="page-1-duplicates", rules=(9, 4), seq_lens=(70, 30), page_size=1, pages="same"),
        Case(
            name="page-1-int64", rules=(9, 3), seq_lens=(70, 30), page_size=1, table_dtype="int64", lens_dtype="int32"
        ),
        Case(name="page-1-long", rules=(9, 4), seq_lens=(4_097,), page_size=1, heavy=True),
    ],
)
