"""Lengths around the page, around blocks of 256 and past 65,536 tokens."""

from tests.cases.case import Case, family

QUESTION = "values"

CASES = family(
    "lengths",
    [
        Case(name="one-token", rules=(4,), seq_lens=(1,)),
        Case(name="two-tokens", rules=(4,), seq_lens=(2,)),
        Case(name="page-minus-one", rules=(4,), seq_lens=(63,)),
        Case(name="page", rules=(4,), seq_lens=(64,)),
        Case(name="page-plus-one", rules=(4,), seq_lens=(65,)),
        Case(name="two-pages-minus-one", rules=(4,), seq_lens=(127,)),
        Case(name="two-pages", rules=(4,), seq_lens=(128,)),
        Case(name="two-pages-plus-one", rules=(4,), seq_lens=(129,)),
        *(Case(name=str(length), rules=(4,), seq_lens=(length,)) for length in (255, 256, 257)),
        Case(name="511-512-513", rules=(4,), seq_lens=(511, 512, 513)),
        Case(name="zero", rules=(4,), seq_lens=(0,)),
        Case(name="zero-first", rules=(4,), seq_lens=(0, 70)),
        Case(name="zero-middle", rules=(4,), seq_lens=(70, 0, 65)),
        Case(name="zero-last", rules=(4,), seq_lens=(70, 0)),
        Case(name="zeros-between", rules=(4,), seq_lens=(0, 0, 1, 0, 64, 0, 0, 65, 0)),
        Case(name="boundaries-together", rules=(4,), seq_lens=(0, 1, 63, 64, 65, 127, 128, 255, 256, 257)),
        Case(name="max-larger-by-one", rules=(4,), seq_lens=(100, 130), max_seq_len_error=1),
        Case(name="max-as-far-as-the-table", rules=(4,), seq_lens=(100, 130), max_seq_len_error=5 * 64 - 130),
        Case(name="max-larger-by-a-block", rules=(4,), seq_lens=(100, 130), max_seq_len_error=600),
        *(Case(name=str(length), rules=(4,), seq_lens=(length,), heavy=True) for length in (65_535, 65_536, 65_537)),
        Case(name="131072", rules=(4,), seq_lens=(131_072,), heavy=True),
    ],
)
