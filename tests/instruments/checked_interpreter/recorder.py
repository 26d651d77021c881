"""Noting what a kernel's programs do; see `retrace`."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import triton.language as tl

from tests.instruments.triton_seams import InterpretedFunction, TensorHandle

from . import source
from .handles import CheckedHandle
from .retrace import FIXED, MOST_STEPS, Launched, Node, Place, Program, Question, Step, Trace, filled, handle_of

MOST_TRACES = 500
"""Kernels with constants and types that are kept."""


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
            return filled(known.gives, self._program.values)
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
            self._path.question = Question(number, ask, source.kernel_line())
            self._path.after[answer] = Node()
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
            at = tuple((place, of.number) for place, of in enumerate(given) if type(of) is Place)
        is_fixed = run in FIXED and type(gives) is Place
        is_fixed = is_fixed and self._varying.isdisjoint(_numbers_in([*given, *by_name.values()]))
        if not is_fixed:
            self._varying |= set(_numbers_in(gives))
        self._path.steps.append(Step(run, given, by_name, at, gives, source.kernel_line(), is_fixed))
        self._step += 1
        self._trace.steps += 1
        told = filled(gives, self._program.values) if len(self._program.values) > before else result
        if self._trace.steps > MOST_STEPS:
            self._trace.give_up()
        return told

    def _place(self, argument: Any) -> Any:
        """Return an argument with places for handles."""
        if isinstance(argument, TensorHandle):
            number = self._numbers.get(id(argument))
            if number is not None:
                return Place(number, None)
            if getattr(argument, "is_constant", False):
                return argument
            raise _CannotBeNoted
        if type(argument) is tl.tensor:
            place = self._place(argument.handle)
            return place._replace(type=argument.type) if type(place) is Place else argument
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
        handle = handle_of(result)
        if type(handle) is not CheckedHandle:
            raise _CannotBeNoted
        if id(handle) in self._numbers:
            # What gives back an operand in this program may give another in the next.
            handle = _other(handle)
        number = self._numbers[id(handle)] = len(self._program.values)
        self._program.values.append(handle)
        return Place(number, result.type if type(result) is tl.tensor else None)


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


def _is_plain(argument: Any) -> bool:
    return argument.type is None if type(argument) is Place else not _has_places(argument)


def _is_static(numbers: tl.tuple) -> bool:
    return all(isinstance(number, int | tl.constexpr) for number in numbers.values)


def _numbers_in(argument: Any) -> Iterator[int]:
    if type(argument) in (list, tuple):
        for part in argument:
            yield from _numbers_in(part)
    elif type(argument) is Place:
        yield argument.number


def _has_places(argument: Any) -> bool:
    return next(_numbers_in(argument), None) is not None


def _other(handle: CheckedHandle) -> CheckedHandle:
    """Return the same value as an object of its own."""
    other = CheckedHandle(handle.data, handle.dtype)
    other.taint, other.origin, other.bounds = handle.taint, handle.origin, handle.bounds
    return other
