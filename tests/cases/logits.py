"""Keys as DeepSeek's indexer quantises them, gathered in chunked prefills: the logits that come of them do not move."""

from typing import Any

from tests.cases.case import Case, family

QUESTION = "values"


def _prefill(name: str, *seq_lens: int, **more: Any) -> Case:
    return Case(
        name=name, rules=(1,), seq_lens=seq_lens, content="quantised", pages="shared_prefix", **{"chunks": 3, **more}
    )


CASES = family(
    "logits",
    [
        _prefill("short", 190, 130, 65),
        # More tokens than a query attends to.
        _prefill("past-the-top", 40, 2_211, 65, chunks=2, heavy=True),
        _prefill("64k", 40_000, 17_003, 8_533, needs_gpu="more tokens than the interpreter gathers in a minute"),
    ],
)
