"""Bytes that survive only if nothing computes with them."""

from tests.cases.case import Case, family

QUESTION = "values"

CASES = family(
    "bit-patterns",
    [
        Case(name="every-byte", rules=(1,), seq_lens=(300, 65), content="every_byte"),
        Case(name="every-byte-odd-base", rules=(1, 10), seq_lens=(300, 65), content="every_byte", pool_offset=1),
        Case(name="fp8-and-fp32-nan", rules=(1,), seq_lens=(200, 65), content="nan"),
        Case(name="negative-zero-and-denormals", rules=(1,), seq_lens=(200, 65), content="special_floats"),
        Case(name="all-zero", rules=(1,), seq_lens=(100, 65), content="zeros"),
        Case(name="all-ones", rules=(1,), seq_lens=(100, 65), content="ones"),
    ],
)
