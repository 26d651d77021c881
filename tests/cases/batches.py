"""Batches of every shape: none, one, no power of two, over 1,024, empty, skewed."""

from tests.cases.case import Case, family

QUESTION = "values"


def _around(power: int) -> list[Case]:
    """Return batches about a power of two: nobody empty where a search has the most steps, else one end or none."""
    full = 2**power - 1
    kinds = {"full": (1, 1), "first-empty": (0, 1), "last-empty": (1, 0)}
    named = list(kinds)
    drawn = {(full, "full")} | {(full + place, named[(power + place) % 3]) for place in range(3)}
    return [
        Case(
            name=f"{count}-{kind}",
            rules=(4,),
            seq_lens=(kinds[kind][0], *(1 + place % 2 for place in range(count - 2)), kinds[kind][1]),
            heavy=count > MANY,
            needs_gpu="a program for each of so many sequences" if count > MOST else None,
        )
        for count, kind in sorted(drawn)
    ]


MANY, MOST = 17, 140
"""Sequences that a quick run leaves out, and that the interpreter does not come to."""

CASES = family(
    "batches",
    [
        Case(name="0", rules=(4,), seq_lens=()),
        Case(name="1", rules=(4,), seq_lens=(100,)),
        Case(name="2", rules=(4,), seq_lens=(100, 30)),
        Case(name="3", rules=(4,), seq_lens=(30, 100, 64)),
        Case(name="5", rules=(4,), seq_lens=(1, 100, 64, 3, 65)),
        Case(name="8", rules=(4,), seq_lens=(9, 8, 7, 66, 5, 4, 3, 2)),
        Case(name="9", rules=(4,), seq_lens=(9, 8, 7, 66, 5, 4, 3, 2, 1)),
        *(Case(name=str(count), rules=(4,), seq_lens=tuple(range(count))) for count in (31, 32, 33)),
        Case(name="65", rules=(4,), seq_lens=tuple(i % 7 for i in range(65)), heavy=True),
        Case(name="257", rules=(4,), seq_lens=tuple(i % 7 for i in range(257)), heavy=True),
        Case(name="1024", rules=(4,), seq_lens=tuple(i % 3 for i in range(1024)), heavy=True),
        Case(name="1025", rules=(4,), seq_lens=tuple(i % 3 for i in range(1025)), heavy=True),
        Case(name="1025-mostly-empty", rules=(4,), seq_lens=(0,) * 1023 + (3, 260), heavy=True),
        Case(
            name="2049-mostly-empty",
            rules=(4,),
            seq_lens=(0,) * 2047 + (3, 70),
            needs_gpu="some 2,000 programs that each look through 2,049 lengths",
        ),
        Case(name="4097-ones", rules=(4,), seq_lens=(1,) * 4097, needs_gpu="a program for each of 4,097 sequences"),
        *(case for power in range(2, 11) for case in _around(power)),
        *(Case(name=f"all-empty-{count}", rules=(4,), seq_lens=(0,) * count) for count in (1, 8, 33, 1025)),
        Case(name="long-first", rules=(4,), seq_lens=(4_000,) + (1,) * 15, heavy=True),
        Case(name="long-middle", rules=(4,), seq_lens=(1,) * 3 + (2_500,) + (1,) * 4, heavy=True),
        Case(name="long-last", rules=(4,), seq_lens=(1,) * 15 + (4_000,), heavy=True),
        Case(name="every-length-to-a-page", rules=(4,), seq_lens=tuple(range(66)), heavy=True),
        Case(name="idle-then-busy", rules=(4,), seq_lens=(0,) * 40 + (130,)),
    ],
)
