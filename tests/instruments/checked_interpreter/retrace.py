"""A kernel's operations, noted once and done again: its programs differ in numbers, not in what they do.

A kernel that Triton compiles is traced once, for constants and types. So is one here: what its Python asks of the
builder is noted as steps, and where it looks at a value, as in `if` or `while`, there is a branch for each value that
was seen. A program whose branches are known needs no Python of Triton's language any more. One that comes to a branch
that is not known goes through the kernel's Python up to there with the results that it has, and on from there in
earnest.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import triton.language as tl

from tests.instruments.triton_seams import InterpretedFunction, TensorHandle

from . import source
from .handles import CheckedHandle
from .source import Line

MOST_TRACES = 500
"""Kernels with constants and types that are kept."""
MOST_STEPS = 20_000
"""Of a trace; a kernel that does more is not noted."""
FIXED: set[Callable[..., Any]] = set()
"""Steps whose result follows from their arguments: neither from the program's place nor from memory."""


class _Place(NamedTuple):
    """Stands for one of the values of a program."""

    number: int
    type: tl.dtype | None
    """Of the tensor around the handle, if there is one."""


class _Step(NamedTuple):
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


class _Question(NamedTuple):
    """A look at a value."""

    number: int
    ask: Callable[[Any], Any]
    line: Line


@dataclass
class _Node:
    """Steps up to a question or the end."""

    steps: list[_Step] = field(default_factory=list)
    question: _Question | None = None
    after: dict[Any, "_Node"] = field(default_factory=dict)
    """What follows, by the answer."""
    is_end: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether no more steps will be noted."""
        return self.is_end or self.question is not None


class Trace:
    """What the programs of a kernel with given constants and types do."""

    def __init__(self) -> None:
        self.root = _Node()
        self.steps = 0
        self.is_hopeless = False
        """Whether what the kernel does cannot be noted."""

    def give_up(self) -> None:
        """Note nothing of the kernel any more."""
        self.root, self.is_hopeless = _Node(), True


class Launched:
    """What the programs of a launch have in common.

    Args:
        trace: of its kernel.
        inputs: handles of the kernel's arguments.
    """

    def __init__(self, trace: Trace, inputs: Sequence[Any]) -> None:
        self.trace = trace
        self.inputs = inputs
        self.held: dict[int, tuple[list[Any], list[tuple[int, _Step]]]] = {}
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
                self.node = self.node.after.setdefault(answer, _Node())
        finally:
            source.here = None

    def _do(self, node: _Node, builder: Any) -> None:
        values, known = self.values, self._held.get(id(node))
        if known is not None:
            before = len(values)
            values += known[0]
            for place, step in known[1]:
                _keep(values, before + place, _done(step, builder, values))
            return
        before, others = len(values), list[tuple[int, _Step]]()
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


def _done(step: _Step, builder: Any, values: list[Any]) -> Any:
    source.here = step.line
    if step.at is None:
        given = [_filled(argument, values) for argument in step.arguments]
        return step.run(builder, *given, **{name: _filled(of, values) for name, of in step.named.items()})
    given = list(step.arguments)
    for place, number in step.at:
        given[place] = values[number]
    return step.run(builder, *given, **step.named)


def _keep(values: list[Any], place: int, result: Any) -> None:
    if type(result) is CheckedHandle:
        values[place] = result
    elif type(result) is tuple:
        values[place : place + len(result)] = map(_handle_of, result)
    elif result is not None:
        values[place] = _handle_of(result)


class Recorder:
    """Goes through a kernel's Python, gives out what a program has by now, and notes what is new.

    Args:
        program: that came to its end, or to a branch that is not known.
    """

    def __init__(self, program: Program) -> None:
        self._program = program
        self._trace = program.trace
        self._path = program.trace.root
        self._step = self._answered = self._depth = 0
        self._varying: set[int] = set()
        """Numbers of the values that may be others in another program."""
        self._numbers: dict[int, int] = {}
        for number, handle in enumerate(program.values):
            if id(handle) in self._numbers:
                program.values[number] = handle = _other(handle)
            self._numbers[id(handle)] = number

    def do(self, builder: Any, run: Callable[..., Any], arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """Do a step, or return what came of it before."""
        if self._depth or self._trace.is_hopeless:
            return run(builder, *arguments, **named)
        if self._step < len(self._path.steps):
            known = self._path.steps[self._step]
            if known.run is not run:
                raise RuntimeError("the kernel's Python is another in one program than in another")
            self._step += 1
            if not known.is_fixed:
                self._varying |= set(_numbers_in(known.gives))
            return _filled(known.gives, self._program.values)
        with self.aside():
            result = run(builder, *arguments, **named)
        return self._noted(run, arguments, named, result)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Note nothing of what is done inside the block."""
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1

    def answer(self, handle: Any, ask: Callable[[Any], Any]) -> Any:
        """Return what a look at a value says."""
        if self._depth or self._trace.is_hopeless:
            return ask(handle)
        answers = self._program.answers
        if self._answered == len(answers):
            answer, number = ask(handle), self._numbers.get(id(handle))
            if number is None:
                self._trace.give_up()
                return answer
            self._path.question = _Question(number, ask, source.kernel_line())
            self._path.after[answer] = _Node()
            answers.append(answer)
        answer = answers[self._answered]
        self._answered += 1
        self._path, self._step = self._path.after[answer], 0
        return answer

    def end(self) -> None:
        """Note that the program has ended."""
        self._path.is_end = True

    def give_up(self) -> None:
        """Note nothing of the kernel any more."""
        if not self._depth:
            self._trace.give_up()

    def _noted(self, run: Any, arguments: tuple[Any, ...], named: dict[str, Any], result: Any) -> Any:
        try:
            given = tuple(map(self._place, arguments))
            by_name = {name: self._place(of) for name, of in named.items()}
            before = len(self._program.values)
            gives = self._kept(result)
        except _CannotBeNoted:
            self._trace.give_up()
            return result
        at = None
        if not any(map(_has_places, by_name.values())) and all(map(_is_plain, given)):
            at = tuple((place, of.number) for place, of in enumerate(given) if type(of) is _Place)
        is_fixed = run in FIXED and type(gives) is _Place
        is_fixed = is_fixed and self._varying.isdisjoint(_numbers_in([*given, *by_name.values()]))
        if not is_fixed:
            self._varying |= set(_numbers_in(gives))
        self._path.steps.append(_Step(run, given, by_name, at, gives, source.kernel_line(), is_fixed))
        self._step += 1
        self._trace.steps += 1
        told = _filled(gives, self._program.values) if len(self._program.values) > before else result
        if self._trace.steps > MOST_STEPS:
            self._trace.give_up()
        return told

    def _place(self, argument: Any) -> Any:
        """Return an argument with places for handles."""
        if isinstance(argument, TensorHandle):
            number = self._numbers.get(id(argument))
            if number is not None:
                return _Place(number, None)
            if getattr(argument, "is_constant", False):
                return argument
            raise _CannotBeNoted
        if type(argument) is tl.tensor:
            place = self._place(argument.handle)
            return place._replace(type=argument.type) if type(place) is _Place else argument
        if type(argument) in (list, tuple):
            return type(argument)(map(self._place, argument))
        if isinstance(argument, tl.tensor | dict) or (isinstance(argument, tl.tuple) and not _is_static(argument)):
            raise _CannotBeNoted
        return argument

    def _kept(self, result: Any) -> Any:
        """Keep what a step returned, and return the places of it."""
        if result is None:
            return None
        if type(result) is tuple:
            return tuple(map(self._kept, result))
        handle = _handle_of(result)
        if type(handle) is not CheckedHandle:
            raise _CannotBeNoted
        if id(handle) in self._numbers:
            # What gives back an operand in this program may give another in the next.
            handle = _other(handle)
        number = self._numbers[id(handle)] = len(self._program.values)
        self._program.values.append(handle)
        return _Place(number, result.type if type(result) is tl.tensor else None)


class _CannotBeNoted(Exception):
    pass


def launched(function: Any, values: Mapping[str, Any], constants: Any) -> Launched | None:
    """Return a launch of a kernel with arguments; None where the kernel cannot be noted."""
    key, inputs = [function, *_captured(function)], list[Any]()
    for name, value in values.items():
        if type(value) is tl.tensor:
            key.append((name, id(value.type)))  # equal types are one object, which is kept
            inputs.append(value.handle)
        elif name in constants or value is None or isinstance(value, str | float | bool | int):
            plain = value.value if isinstance(value, tl.constexpr) else value
            key.append((name, type(plain), plain))
        else:
            return None
    try:
        hash(tuple(key))
    except TypeError:
        return None
    trace = _trace_of(tuple(key))
    return None if trace.is_hopeless else Launched(trace, inputs)


def _captured(function: Any) -> Iterator[Any]:
    """Yield the numbers and functions that a function finds among its module's names, and those that these find."""
    for name in function.__code__.co_names:
        value = function.__globals__.get(name)
        if isinstance(value, tl.constexpr):
            value = value.value
        if isinstance(value, InterpretedFunction):
            yield value
            yield from _captured(value.rewrite()) if value.rewrite() is not function else ()
        elif isinstance(value, int | float | str | bool):
            yield name, type(value), value


def _trace_of(key: Any, kept: dict[Any, Trace] = {}) -> Trace:  # noqa: B006 - one memory for all launches
    if key not in kept and len(kept) >= MOST_TRACES:
        kept.clear()
    return kept.setdefault(key, Trace())


def _handle_of(result: Any) -> Any:
    return result.handle if type(result) is tl.tensor else result


def _filled(argument: Any, values: list[Any]) -> Any:
    if type(argument) is _Place:
        handle = values[argument.number]
        return handle if argument.type is None else tl.tensor(handle, argument.type)
    if type(argument) in (list, tuple):
        return type(argument)(_filled(part, values) for part in argument)
    return argument


def _is_plain(argument: Any) -> bool:
    return argument.type is None if type(argument) is _Place else not _has_places(argument)


def _is_static(numbers: tl.tuple) -> bool:
    return all(isinstance(number, int | tl.constexpr) for number in numbers.values)


def _numbers_in(argument: Any) -> Iterator[int]:
    if type(argument) in (list, tuple):
        for part in argument:
            yield from _numbers_in(part)
    elif type(argument) is _Place:
        yield argument.number


def _has_places(argument: Any) -> bool:
    return next(_numbers_in(argument), None) is not None


def _other(handle: CheckedHandle) -> CheckedHandle:
    """Return the same value as an object of its own."""
    other = CheckedHandle(handle.data, handle.dtype)
    other.taint, other.origin, other.bounds = handle.taint, handle.origin, handle.bounds
    return other
