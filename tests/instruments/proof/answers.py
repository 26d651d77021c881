"""Proves a launch's accesses, rule by rule, or finds an input and a program that break it."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import z3

from tests.contract import Rule
from tests.instruments.proof.found import Access
from tests.instruments.proof.launch import TERMS, SymbolicLaunch
from tests.instruments.proof.module import Unmodelled
from tests.instruments.proof.premises import (
    ALL_RULES,
    MEMORY_RULES,
    allows,
    are_lengths_known,
    plain_layouts,
    premises,
    replayable,
)
from tests.instruments.proof.prover import MANY, THOROUGH, Known
from tests.instruments.proof.replay import Counterexample
from tests.instruments.proof.terms import Term
from tests.instruments.proof.walk import Walk

FEW_SEQUENCES = (1, 2, 3)
"""Sequences of a call in which sums and loops are exact."""
MOST_CANDIDATES = 2
"""Counterexamples of an obligation that are run."""
PATIENCE = 6
"""By how much z3 gets more steps for a second walk, where the first leaves something open."""
_SIZES = (1, 4, 64, 4_096, 1 << 17, 1 << 20, 1 << 30, 1 << 31)
_MADE_SMALL = ("batch", "num_pages", "max_pages", "seq_len_sum", "max_seq_len")


class Answer(Enum):
    """What is known of an obligation."""

    PROVED = "PROVED"
    REFUTED = "REFUTED"
    NOT_DECIDED = "NOT DECIDED"


@dataclass(frozen=True)
class Obligation:
    """What is known of one obligation: one access of a variant under one rule."""

    rule: Rule
    place: str
    """`file:line` of the kernel."""
    what: str
    """`read of buf`, for instance."""
    answer: Answer
    """`REFUTED` only once a candidate was run."""
    reason: str = ""
    """Why it is not decided, or what else is assumed."""
    candidates: tuple[Counterexample, ...] = ()
    """Inputs and programs that may show that the rule is broken."""
    seconds: float = 0.0

    @property
    def obligation(self) -> tuple[Rule, str, str]:
        """What is the same in all variants."""
        return self.rule, self.place, self.what

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {
            **vars(self),
            "rule": int(self.rule),
            "answer": self.answer.value,
            "candidates": [candidate.as_json() for candidate in self.candidates],
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Obligation":
        """Return what `as_json` wrote."""
        candidates = tuple(map(Counterexample.from_json, data["candidates"]))
        return cls(**{**data, "rule": Rule(data["rule"]), "answer": Answer(data["answer"]), "candidates": candidates})


def answered(
    launches: Sequence[SymbolicLaunch], setting: dict[str, Any], known: set[Any], *, patient: bool = True
) -> list[Obligation]:
    """Answer all obligations of launches that are alike but for their conditions.

    Args:
        launches: what is proved under the conditions that they have in common holds of all.
        setting: of the proof, for counterexamples.
        known: obligations with candidates from other variants, for which no more are sought; new ones are added.
        patient: whether to walk again, and give z3 more steps, where something stays open.
    """
    launch = with_common_conditions(launches)
    in_common = {term.sexpr() for term in launch.conditions}
    others = [[term for term in each.conditions if term.sexpr() not in in_common] for each in launches]
    one_of = z3.Or(*(z3.And(*each) for each in others))
    return _Examination(launch, one_of, setting, known, patient).verdicts()


def with_common_conditions(launches: Sequence[SymbolicLaunch]) -> SymbolicLaunch:
    """Return a launch under those conditions only that launches which are alike have in common."""
    in_common = set.intersection(*({term.sexpr() for term in launch.conditions} for launch in launches))
    conditions = tuple(term for term in launches[0].conditions if term.sexpr() in in_common)
    return replace(launches[0], conditions=conditions)


class _Examination:
    def __init__(
        self, launch: SymbolicLaunch, one_of: Term, setting: dict[str, Any], known: set[Any], patient: bool
    ) -> None:
        self._launch = launch
        self._one_of = one_of
        """That the host takes one of the ways to the launch: asked where what they have in common does not do."""
        self._patient = patient
        self._setting = setting
        self._known = known
        self._few: dict[int, Walk | None] = {}
        self._is_doubtful = False
        """Whether something is open that no call of a few sequences shows to be wrong: z3 may have given up."""

    def verdicts(self) -> list[Obligation]:
        try:
            first = Walk(self._launch, None, self._setting["page_size"])
            first.run()
            self._candidates = first.found
            walk = self._walked(None)
            if walk.prover.possible(walk.prover.always) is Known.FALSE:
                raise Unmodelled("an input that takes this path: its conditions contradict each other")
            known = set(self._known)
            found = [*self._of_accesses(walk), *self._of_branches(walk)]
            if self._is_doubtful:
                self._known &= known  # those candidates are dropped, and sought again
                walk = self._walked(None, PATIENCE)
                found = [*self._of_accesses(walk), *self._of_branches(walk)]
            return found
        except Unmodelled as error:
            reason = f"there is no model of {error}"
            return [
                Obligation(rule, self._launch.kernel, "all accesses", Answer.NOT_DECIDED, reason) for rule in ALL_RULES
            ]

    def _walked(self, sequences: int | None, patience: int = 1) -> Walk:
        walk = Walk(self._launch, self._candidates, self._setting["page_size"], sequences, patience)
        walk.run()
        return walk

    def _of_accesses(self, walk: Walk) -> Iterator[Obligation]:
        for number, access in enumerate(walk.walked.accesses):
            what, began = f"{access.kind} of {access.root}", time.monotonic()
            found: list[tuple[Rule, Answer, str, tuple[Counterexample, ...]]]
            if walk.prover.decide(access.given, inside(walk, access))[0] is not Known.TRUE:
                found = [(rule, *self._by_rule(walk, access, what, rule)) for rule in MEMORY_RULES]
            elif walk.prover.possible(access.given) is not Known.FALSE:
                found = [(rule, Answer.PROVED, "", ()) for rule in MEMORY_RULES]
            else:  # that no program gets to the first of all would prove anything
                answer = Answer.PROVED if number else Answer.NOT_DECIDED
                found = [(rule, answer, "no program gets there", ()) for rule in MEMORY_RULES]
            if walk.prover.decide(access.given, z3.Not(access.undefined))[0] is Known.TRUE:
                found.append((Rule.UNDEFINED, Answer.PROVED, "", ()))
            else:
                found.append((Rule.UNDEFINED, *self._by_rule(walk, access, what, Rule.UNDEFINED)))
            each = (time.monotonic() - began) / len(found)
            for rule, answer, reason, candidates in found:
                yield Obligation(rule, access.place, what, answer, reason, candidates, each)

    def _of_branches(self, walk: Walk) -> Iterator[Obligation]:
        for place, given, undefined in walk.walked.branches:
            answer, _ = walk.prover.decide(given, z3.Not(undefined))
            proved = answer is Known.TRUE
            yield Obligation(
                Rule.UNDEFINED,
                place,
                "branch or mask",
                Answer.PROVED if proved else Answer.NOT_DECIDED,
                "" if proved else "it may depend on undefined lanes",
            )

    def _by_rule(
        self, walk: Walk, access: Access, what: str, rule: Rule
    ) -> tuple[Answer, str, tuple[Counterexample, ...]]:
        """Answer for the input that one rule is about."""
        if (rule, access.place, what) in self._known:
            return Answer.NOT_DECIDED, "as in another variant", ()
        goal = _goal(walk, access, rule)
        answer, model = walk.prover.decide(self._given(walk, access, rule), goal)
        if answer is Known.TRUE:
            return Answer.PROVED, "of such input, with 0 in undefined lanes", ()
        found = [(walk, access)] if model is not None else []
        proved_few = True
        for sequences in FEW_SEQUENCES:
            few = self._of_few(sequences)
            if few is None:
                proved_few = False
                continue
            for other in few.walked.accesses:
                if (other.place, other.kind, other.root) != (access.place, access.kind, access.root):
                    continue
                here, model = few.prover.decide(self._given(few, other, rule), _goal(few, other, rule))
                proved_few &= here is Known.TRUE
                if model is not None:
                    found.insert(0, (few, other))
        if self._patient and all(other is walk for other, _ in found) and walk.patience == 1:
            self._is_doubtful = True
            return Answer.NOT_DECIDED, "", ()
        candidates = tuple(filter(None, (self._candidate(*each, rule) for each in found[:MOST_CANDIDATES])))
        if candidates:
            self._known.add((rule, access.place, what))
            return Answer.NOT_DECIDED, "what z3 took for counterexamples did nothing wrong when it was run", candidates
        if proved_few:
            return Answer.NOT_DECIDED, f"it is proved for up to {FEW_SEQUENCES[-1]} sequences only", ()
        reason = "the inputs that would show it cannot be run" if found else "z3 finds neither a proof nor an input"
        return Answer.NOT_DECIDED, reason, ()

    def _given(self, walk: Walk, access: Access, rule: Rule) -> list[Term]:
        return [*access.given, walk.terms.linear(self._one_of), *premises(rule, walk)]

    def _of_few(self, sequences: int) -> Walk | None:
        """Return the walk of a call of so many sequences; None where there is none."""
        if sequences not in self._few:
            try:
                few = self._walked(sequences)
                is_possible = few.prover.possible(few.prover.always) is not Known.FALSE
                self._few[sequences] = few if is_possible else None
            except Unmodelled:
                self._few[sequences] = None
        return self._few[sequences]

    def _candidate(self, walk: Walk, access: Access, rule: Rule) -> Counterexample | None:
        """Return a small input that may break a rule; None if there is none that can be run."""
        if walk.sequences is None and are_lengths_known(rule):
            return None  # of any number of sequences, nothing is known of their sum: no model would be of such input
        goal = _goal(walk, access, rule)
        given = [*self._given(walk, access, rule), *replayable(walk)]
        _, _, names = walk.terms.cone([*given, goal])
        # Where a number stands is no matter to z3, unless it is spoken of.
        given += [
            z3.Or(read.offset >= 0, read.offset < 0) for read in walk.memory.reads if read.number.get_id() in names
        ]
        # Of any number of sequences, few models are real: they are not worth many steps.
        _, model = walk.prover.decide(given, goal, THOROUGH if walk.sequences else MANY)
        if model is None:
            return None
        for layout in plain_layouts(walk):
            answer, found = walk.prover.decide([*given, *layout], goal, MANY)
            if answer is Known.FALSE:
                given, model = [*given, *layout], found
        for name in _MADE_SMALL:
            for size in _SIZES:
                smaller = [*given, TERMS[name] <= size]
                answer, found = walk.prover.decide(smaller, goal, MANY)
                if answer is Known.FALSE:
                    given, model = smaller, found
                    break
        example = _example(walk, access, [*given, goal], model, self._setting)
        return example if allows(rule, example) else None


def inside(walk: Walk, access: Access) -> Term:
    """Return the statement that an access lies in its tensor's memory."""
    extent = walk.extents[access.root]
    return z3.And(z3.Not(extent.is_empty), access.offset >= 0, access.offset + access.size <= extent.bytes)


def _goal(walk: Walk, access: Access, rule: Rule) -> Term:
    return z3.Not(access.undefined) if rule is Rule.UNDEFINED else inside(walk, access)


def _example(walk: Walk, access: Access, terms: list[Term], model: Any, setting: dict[str, Any]) -> Counterexample:
    def value(term: Term) -> int:
        return model.eval(term, model_completion=True).as_long()

    _, _, names = walk.terms.cone(terms)
    reads = [
        (read.root, value(read.offset), read.bits // 8, value(read.number))
        for read in walk.memory.reads
        if read.root in ("page_indices", "seq_lens") and read.number.get_id() in names
    ]
    program = tuple(map(value, walk.programs))
    numbers = {name: value(term) for name, term in TERMS.items()}
    return Counterexample(numbers, setting, program, access.kind, access.root, reads)  # type: ignore[arg-type]
