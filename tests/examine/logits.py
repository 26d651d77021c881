"""Whether a model would attend to other tokens: the indexer's logits from gathered keys, against those from the same
keys and scales that never were in pages."""

from collections.abc import Callable, Iterator
from typing import Any

import torch

from reference import quantised
from tests.calls.inputs import Inputs
from tests.cases.plan import Plan, plan, prefilled
from tests.examine.blame import Seen
from tests.examine.call import POISONS, Caller, Outcome
from tests.examine.finding import Findings
from tests.examine.judgement import returned

QUERIES = 4
"""Of each sequence after each chunk."""
DRAFTS = 3
"""Tokens at the end of a sequence that no query looks back on."""


class LogitsExamination:
    """Gathers after each chunk of a chunked prefill, and scores what came of it.

    Args:
        inputs: of a case with chunks.
        caller: calls the functions.
        findings: get what is wrong.
    """

    def __init__(self, inputs: Inputs, caller: Caller, findings: Findings) -> None:
        self._inputs = inputs
        self._caller = caller
        self._findings = findings

    def run(self, call: Callable[..., Any]) -> None:
        """Gather with one function after each chunk; the part that it does not return is taken as right."""
        case, whole = self._inputs.case, plan(self._inputs.case)
        self._inputs.write(whole)
        for chunk in range(case.chunks):
            contents = prefilled(case, whole, chunk)
            arguments = self._inputs.shorten(contents)
            step = f"chunk {chunk + 1} of {case.chunks}"
            outcome = self._caller.call(call, self._inputs, POISONS[0], step, arguments)
            if returned(outcome, case, self._findings) and not self._are_right(outcome, contents, step):
                return

    def _are_right(self, outcome: Outcome, contents: Plan, step: str) -> bool:
        unpaged = self._unpaged(contents)
        gathered = {**unpaged, **outcome.results}
        for sequence, (start, end) in enumerate(_bounds(contents)):
            told = self._differing(
                *({part: of[start:end] for part, of in which.items()} for which in (gathered, unpaged))
            )
            if told:
                self._findings.rows(are_right=False)
                self._findings.add(Seen.OTHER_LOGITS, f"after {step}, sequence {sequence}: {told}")
                return False
        self._findings.rows(are_right=True)
        return True

    def _unpaged(self, contents: Plan) -> dict[str, torch.Tensor]:
        # Made where the pool was: what devices make of a number may differ in its last bit.
        slots = torch.from_numpy(contents.row_slots).to(self._inputs.made_on)
        keys = quantised.keys_of(slots, self._inputs.case.index_head_dim, contents.content_seed)
        rows = (part.to(self._inputs.device) for part in quantised.quantised(keys))
        return dict(zip(("K", "S"), rows, strict=True))

    def _differing(self, gathered: dict[str, torch.Tensor], unpaged: dict[str, torch.Tensor]) -> str | None:
        """Return in what the logits of one sequence differ, if they do."""
        dim, device, count = self._inputs.case.index_head_dim, self._inputs.device, len(unpaged["K"])
        q, weights = quantised.queries(QUERIES, dim, count, device)
        for query, seen in enumerate(_visible(count)):
            held, right = (
                quantised.logits(q[query : query + 1], weights[query : query + 1], of["K"][:seen], of["S"][:seen])[0]
                for of in (gathered, unpaged)
            )
            wrong = (held.view(torch.int32) != right.view(torch.int32)).nonzero().flatten()
            if len(wrong):
                token, moved = int(wrong[0]), len(_top(right) - _top(held))
                return (
                    f"{len(wrong):,} of {seen:,} logits of the query at token {seen - 1} differ: that of token {token} "
                    f"is {float(held[token]):.6g}, should be {float(right[token]):.6g}; "
                    f"{moved} of its top {quantised.TOP:,} tokens are others"
                )
        return None


def _bounds(contents: Plan) -> Iterator[tuple[int, int]]:
    """Yield the first row of each sequence, and the one after its last."""
    ends = contents.seq_lens.cumsum().tolist()
    yield from zip([0, *ends[:-1]], ends, strict=True)


def _visible(count: int) -> list[int]:
    """Return how many tokens each query of a sequence looks back on; the last of them on all but the drafts."""
    last = count - DRAFTS
    return [max(0, last - last * back // (2 * QUERIES)) for back in range(QUERIES)]


def _top(scores: torch.Tensor) -> set[int]:
    return set(scores.topk(min(quantised.TOP, len(scores))).indices.tolist())
