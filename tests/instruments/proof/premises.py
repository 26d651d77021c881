"""What each rule lets a call assume of its input, as terms over a walk."""

from collections.abc import Callable

import z3

from tests.contract import Rule
from tests.instruments.proof.launch import TERMS
from tests.instruments.proof.replay import Counterexample
from tests.instruments.proof.terms import Term
from tests.instruments.proof.walk import Walk

MEMORY_RULES = (Rule.BIG_ADDRESSES, Rule.STRIDES, Rule.INVALID_PAGES, Rule.DISAGREEMENT)
"""Rules of where accesses may lead, those of good input first."""
ALL_RULES = (*MEMORY_RULES, Rule.UNDEFINED)
LARGEST_REPLAYED = 1 << 41
"""Bytes of a tensor in a counterexample that can be run."""


def _usual_layout(walk: Walk) -> list[Term]:
    (buf,) = (tensor for tensor in walk.launch.tensors if tensor.name == "buf")
    return [
        TERMS["table_step"] == 1,
        TERMS["table_stride"] == TERMS["max_pages"],
        TERMS["lengths_stride"] == 1,
        TERMS["byte_stride"] == 1,
        TERMS["page_stride"] == buf.shape[1],
    ]


def _lengths_agree(walk: Walk) -> list[Term]:
    lengths = [read.number for read in walk.memory.of("seq_lens")]
    known = [z3.And(length >= 0, length <= TERMS["max_seq_len"]) for length in lengths]
    if walk.sequences is not None:
        all_of_them = [walk.length_of(sequence) for sequence in range(walk.sequences)]
        known += [z3.And(length >= 0, length <= TERMS["max_seq_len"]) for length in all_of_them]
        known.append(z3.Sum(all_of_them) == TERMS["seq_len_sum"])
    return known


def _pages_exist(walk: Walk) -> list[Term]:
    return [z3.And(read.number >= 0, read.number < TERMS["num_pages"]) for read in walk.memory.of("page_indices")]


_PREMISES: dict[Rule, tuple[Callable[[Walk], list[Term]], ...]] = {
    Rule.BIG_ADDRESSES: (_usual_layout, _lengths_agree, _pages_exist),
    Rule.STRIDES: (_lengths_agree, _pages_exist),
    Rule.INVALID_PAGES: (_usual_layout, _lengths_agree),
    Rule.DISAGREEMENT: (_usual_layout, _pages_exist),
    Rule.UNDEFINED: (_usual_layout,),
}


def premises(rule: Rule, walk: Walk) -> list[Term]:
    """Return what holds of the input that a rule is about."""
    known = [_reach(walk), TERMS["num_pages"] >= 1, *(term for part in _PREMISES[rule] for term in part(walk))]
    # That they are something else is what rule 15 is about.
    return known if rule is Rule.UNDEFINED else [*known, *(lane == 0 for lane in walk.undefined)]


def good_lengths(walk: Walk) -> list[Term]:
    """Return what holds where host and device agree on lengths, and the table reaches as far."""
    return [_reach(walk), *_lengths_agree(walk)]


def _reach(walk: Walk) -> Term:
    return TERMS["max_seq_len"] <= walk.page_size * TERMS["max_pages"]


def plain_layouts(walk: Walk) -> list[list[Term]]:
    """Return what may be asked of a counterexample, so that a row of the catalogue can say how its tensors lie."""
    (buf,) = (tensor for tensor in walk.launch.tensors if tensor.name == "buf")
    *of_table, lengths, byte, page = _usual_layout(walk)
    return [[TERMS["max_pages"] >= 1], of_table, [lengths], [byte], [page], [TERMS["page_stride"] >= buf.shape[1]]]


def replayable(walk: Walk) -> list[Term]:
    """Return what holds of input that can be run."""
    return [z3.Or(extent.is_empty, extent.bytes <= LARGEST_REPLAYED) for extent in walk.extents.values()]


def are_lengths_known(rule: Rule) -> bool:
    """Whether the host and the device agree on the input that a rule is about."""
    return _lengths_agree in _PREMISES[rule]


def allows(rule: Rule, example: Counterexample) -> bool:
    """Whether a rule is about an input: a walk of any number of sequences knows nothing of their sum."""
    n = example.numbers
    known = {(root, offset): number for root, offset, _, number in example.reads}
    pages = [number for (root, _), number in known.items() if root == "page_indices"]
    if _pages_exist in _PREMISES[rule] and not all(0 <= page < n["num_pages"] for page in pages):
        return False
    if not are_lengths_known(rule):
        return True
    step = n["lengths_stride"] * (8 if example.setting["lens_dtype"] == "int64" else 4)
    places = {offset: number for (root, offset), number in known.items() if root == "seq_lens"}
    if not step:
        lengths, total = [places.get(0, 0)], places.get(0, 0) * n["batch"]
    else:
        lengths = [number for at, number in places.items() if at % step == 0 and 0 <= at < n["batch"] * step]
        total = sum(lengths)
    return total == n["seq_len_sum"] and all(0 <= length <= n["max_seq_len"] for length in lengths)
