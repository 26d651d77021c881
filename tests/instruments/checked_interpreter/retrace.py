"""A kernel's operations, noted once and done again: its programs differ in numbers, not in what they do.

A kernel that Triton compiles is traced once, for constants and types. So is one here: what its Python asks of the
builder is noted as steps, and where it looks at a value, as in `if` or `while`, there is a branch for each value that
was seen. A program whose branches are known needs no Python of Triton's language any more. One that comes to a branch
that is not known goes through the kernel's Python up to there with the results that it has, and on from there in
earnest.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import triton.language as tl

from . import source
from .handles import CheckedHandle
from .source import Line

MOST_STEPS = 20_000
"""Of a trace; a kernel that does more is not noted."""
FIXED: set[Callable[..., Any]] = set()
"""Steps whose result follows from their arguments: neither from the program's place nor from memory."""


class Place(NamedTuple):
    """Stands for one of the values of a program."""

    number: int
    type: tl.dtype | None
    """Of the tensor around the handle, if there is one."""


class Step(NamedTuple):
    run: Callable[..., Any]
    arguments: tuple[Any, ...]
    """With places for handles."""
    named: Mapping[str, Any]
    at: tuple[tuple[int, int], ...] | None
    """Which arguments are handles, and their numbers; None where they have to be looked for."""
    gives: Any
    """Places of what it returns, as it returns them."""
    line: Line
    is_fixed: bool
    """Whether it gives one value, the same one in all programs of a launch."""


class Question(NamedTuple):
    """A look at a value."""

    number: int
    ask: Callable[[Any], Any]
    line: Line


@dataclass
class Node:
    """Steps up to a question or the end."""

    steps: list[Step] = field(default_factory=list)
    question: Question | None = None
    after: dict[Any, "Node"] = field(default_factory=dict)
    """What follows, by the answer."""
    is_end: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether no more steps will be noted."""
        return self.is_end or self.question is not None


class Trace:
    """What the programs of a kernel with given constants and types do."""

    def __init__(self) -> None:
        self.root = Node()
        self.steps = 0
        self.is_hopeless = False
        """Whether what the kernel does cannot be noted."""

    def give_up(self) -> None:
        """Note nothing of the kernel any more."""
        self.root, self.is_hopeless = Node(), True


class Launched:
    """What the programs of a launch have in common.

    Args:
        trace: of its kernel.
        inputs: handles of the kernel's arguments.
    """

    def __init__(self, trace: Trace, inputs: Sequence[Any]) -> None:
        self.trace = trace
        self.inputs = inputs
        self.held: dict[int, tuple[list[Any], list[tuple[int, Step]]]] = {}
        """By the identity of a node that was done once: what its fixed steps gave, each in its place; and the other
        steps, with theirs."""


class Program:
    """A program that is under way."""

    def __init__(self, launched: Launched) -> None:
        self.trace = launched.trace
        self.values = list(launched.inputs)
        """Handles, in the order in which they came."""
        self.answers: list[Any] = []
        self.node = self.trace.root
        self._held = launched.held

    def run(self, builder: Any) -> bool:
        """Do what is known; return whether that was all."""
        try:
            while True:
                self._do(self.node, builder)
                question = self.node.question
                if question is None:
                    return self.node.is_end
                source.here = question.line
                answer = question.ask(self.values[question.number])
                self.answers.append(answer)
                self.node = self.node.after.setdefault(answer, Node())
        finally:
            source.here = None

    def _do(self, node: Node, builder: Any) -> None:
        values, known = self.values, self._held.get(id(node))
        if known is not None:
            before = len(values)
            values += known[0]
            for place, step in known[1]:
                _keep(values, before + place, _done(step, builder, values))
            return
        before, others = len(values), list[tuple[int, Step]]()
        for step in node.steps:
            place, gives = len(values), step.gives
            values += [None] * (len(gives) if type(gives) is tuple else gives is not None)
            _keep(values, place, _done(step, builder, values))
            if not step.is_fixed:
                others.append((place - before, step))
        if node.is_whole:
            held = values[before:]
            for place, step in others:
                if step.gives is not None:
                    held[place] = None
            self._held[id(node)] = held, others


def _done(step: Step, builder: Any, values: list[Any]) -> Any:
    source.here = step.line
    if step.at is None:
        given = [filled(argument, values) for argument in step.arguments]
        return step.run(builder, *given, **{name: filled(of, values) for name, of in step.named.items()})
    given = list(step.arguments)
    for place, number in step.at:
        given[place] = values[number]
    return step.run(builder, *given, **step.named)


def _keep(values: list[Any], place: int, result: Any) -> None:
    if type(result) is CheckedHandle:
        values[place] = result
    elif type(result) is tuple:
        values[place : place + len(result)] = map(handle_of, result)
    elif result is not None:
        values[place] = handle_of(result)


def handle_of(result: Any) -> Any:
    """Return the handle of a tensor, or what is one."""
    return result.handle if type(result) is tl.tensor else result


def filled(argument: Any, values: list[Any]) -> Any:
    """Return an argument or a result with a program's values in its places."""
    if type(argument) is Place:
        handle = values[argument.number]
        return handle if argument.type is None else tl.tensor(handle, argument.type)
    if type(argument) in (list, tuple):
        return type(argument)(filled(part, values) for part in argument)
    return argument
