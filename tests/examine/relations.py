"""Calls that mean the same as another: whatever they return, it must be the same rows. No oracle is asked."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from tests.calls.inputs import Arguments, Inputs
from tests.cases.case import Relation
from tests.cases.plan import INT32_MAX, Plan
from tests.examine.blame import Seen
from tests.examine.call import POISONS, Caller
from tests.examine.finding import Findings
from tests.examine.judgement import returned

GARBAGE = 0x77
"""In every byte of pages that nobody needs."""


@dataclass(frozen=True)
class Related:
    """Calls that mean together the same as one."""

    about: str
    """What they are, in words that follow "unlike those"."""
    calls: tuple[Arguments, ...]
    joined: Callable[[list[torch.Tensor]], torch.Tensor] = torch.cat
    """Makes the rows of the one of theirs."""


def examine_relation(relation: Relation, inputs: Inputs, caller: Caller, findings: Findings, call: Any) -> None:
    """Make a call, and those that mean the same, and note if the rows are others."""
    one = caller.call(call, inputs, POISONS[0], "call")
    if not returned(one, inputs.case, findings):
        return
    related = _RELATED[relation](inputs.arguments, inputs.plan)
    others = []
    for arguments in related.calls:
        others.append(caller.call(call, inputs, POISONS[0], f"call {related.about}", arguments))
        if not returned(others[-1], inputs.case, findings):
            return
    for part, rows in one.rows.items():
        same = related.joined([other.rows[part].to(rows.device) for other in others])
        wrong = (rows != same).any(dim=1).nonzero().flatten()
        findings.rows(are_right=not len(wrong))
        if len(wrong):
            counts = f"{len(wrong):,} of {len(rows):,} rows of {part}"
            findings.add(Seen.UNRELATED, f"{counts} are unlike those {related.about}, row {int(wrong[0])} the first")


def _pages_permuted(arguments: Arguments, plan: Plan) -> Related:
    count, table = plan.num_pages, arguments.page_indices
    other = torch.where((table >= 0) & (table < count), count - 1 - table, table)
    moved = arguments._replace(buf=arguments.buf.flip(0), page_indices=other)
    return Related("of the same tokens in other pages", (moved,))


def _split(arguments: Arguments, plan: Plan) -> Related:
    half = len(plan.seq_lens) // 2
    parts = tuple(_of_sequences(arguments, plan, part) for part in (slice(half), slice(half, None)))
    return Related("of the batch in two halves", parts)


def _of_sequences(arguments: Arguments, plan: Plan, which: slice) -> Arguments:
    return arguments._replace(
        page_indices=arguments.page_indices[which],
        seq_lens=arguments.seq_lens[which],
        seq_len_sum=int(plan.seq_lens[which].sum()),
    )


def _appended(arguments: Arguments, plan: Plan) -> Related:
    table, lengths = arguments.page_indices, arguments.seq_lens
    more = arguments._replace(
        page_indices=torch.cat([table, table[:1]]),
        seq_lens=torch.cat([lengths, lengths[:1]]),
        seq_len_sum=arguments.seq_len_sum + int(plan.seq_lens[:1].sum()),
    )
    return Related("with a sequence more", (more,), lambda rows: rows[0][: arguments.seq_len_sum])


def _garbage(arguments: Arguments, plan: Plan) -> Related:
    buf, table = arguments.buf.clone(), arguments.page_indices.clone()
    is_needed = torch.zeros(plan.num_pages, dtype=torch.bool)
    for number, length in enumerate(plan.seq_lens.tolist()):
        needed = -(-length // arguments.page_size)
        pages = torch.from_numpy(plan.page_table[number, :needed])
        is_needed[pages[(pages >= 0) & (pages < plan.num_pages)]] = True
        table[number, needed:] = INT32_MAX - number
    buf[~is_needed.to(buf.device)] = GARBAGE
    other = arguments._replace(buf=buf, page_indices=table)
    return Related("with garbage in pages and entries that nobody needs", (other,))


def _reversed(arguments: Arguments, plan: Plan) -> Related:
    back = arguments._replace(page_indices=arguments.page_indices.flip(0), seq_lens=arguments.seq_lens.flip(0))
    lengths = plan.seq_lens[::-1].tolist()
    return Related(
        "of the batch the other way round",
        (back,),
        lambda rows: torch.cat(rows[0].split(lengths)[::-1]) if lengths else rows[0],
    )


_RELATED: dict[Relation, Callable[[Arguments, Plan], Related]] = {
    "pages_permuted": _pages_permuted,
    "split": _split,
    "appended": _appended,
    "garbage": _garbage,
    "reversed": _reversed,
}
