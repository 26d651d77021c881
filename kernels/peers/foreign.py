"""Gathers with other signatures behind the contract's seven arguments, declared instead of written.

    get_k_and_s = Foreign(cp_gather_indexer_k_quant_cache, "pages", "k", "s", "page_indices", "cu_seq_lens")

Each argument of the other function is a word of `words.py`, or a constant. What it takes to make them is the
preparation: whoever examines sees it apart from the call itself, and does not count it.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from types import CodeType, SimpleNamespace
from typing import Any

import torch

from kernels.peers.words import RESULTS, SEQUENCE, SEVEN, WORDS, arguments_behind, expression_of, in_order

_aside: ContextVar[Callable[[], AbstractContextManager[Any]]] = ContextVar("aside", default=nullcontext)


class NotPrepared(Exception):
    """The arguments of the other function cannot be made of those that were given: no call was made."""


@dataclass(frozen=True)
class Constant:
    """An argument that is a text, which would be taken for a word otherwise."""

    value: str


@contextmanager
def preparations_aside(aside: Callable[[], AbstractContextManager[Any]]) -> Iterator[None]:
    """Have whatever adapters prepare inside the block run in a context of the caller's."""
    token = _aside.set(aside)
    try:
        yield
    finally:
        _aside.reset(token)


class Foreign:
    """A gather of another signature; called with the contract's seven arguments.

    Args:
        function: the other gather.
        arguments: a word for each of its positional arguments; what is no text is a constant.
        returns: what it returns, in order, of `k` and `s`; not asked where it is given results to write to. A part may
            be a list of tensors, one a sequence, and fp8 or fp32 instead of bytes.
        one_sequence: whether a call is about one sequence; there are as many calls as sequences then.
        keywords: its keyword arguments, as `arguments`.

    Raises:
        ValueError: a text is no word.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        *arguments: Any,
        returns: Sequence[str] = ("k", "s"),
        one_sequence: bool = False,
        **keywords: Any,
    ) -> None:
        self.__wrapped__ = function
        self.arguments = arguments
        self.keywords: Mapping[str, Any] = keywords
        self.one_sequence = one_sequence
        self.words = tuple(value for value in (*arguments, *keywords.values()) if isinstance(value, str))
        for word in self.words:
            expression_of(word)
        bases = [word.partition(":")[0] for word in self.words]
        given = {part: base for part, names in RESULTS.items() for base in bases if base in names}
        self.gives_results = bool(given)
        self.parts = tuple(given) if given else tuple(returns)
        if not set(self.parts) <= set(RESULTS) or not self.parts:
            raise ValueError(f"returns: expected some of k and s, got {returns!r}")
        if one_sequence and given:
            given = {part: part for part in given}
        self._given = tuple(given.values())

    def __call__(self, *seven: Any) -> Any:
        """Gather; arguments and results are those of the contract.

        Raises:
            NotPrepared: the other function was not called.
        """
        with _aside.get()():
            try:
                names = {"torch": torch, "SimpleNamespace": SimpleNamespace, **dict(zip(SEVEN, seven, strict=True))}
                calls = list(self._calls(names))
                given = [names[name] for name in self._given]
            except Exception as error:
                raise NotPrepared(f"{type(error).__name__}: {error}") from error
        returned = [self.__wrapped__(*arguments, **keywords) for arguments, keywords in calls]
        with _aside.get()():
            return _as_promised(given if self.gives_results else _together(returned, self.parts), self.parts, names)

    @property
    def name(self) -> str:
        """The other function's name."""
        return getattr(self.__wrapped__, "__name__", type(self.__wrapped__).__name__)

    def hands_on(self, argument: str) -> bool:
        """Whether one of the seven arguments reaches the other function in any form."""
        return any(argument in arguments_behind(word) for word in self.words)

    def hands_on_as_it_is(self, argument: str) -> bool:
        """Whether it reaches the other function as it was given, in memory and dtype."""
        return argument in self.words

    def parameters_for(self, argument: str) -> list[str]:
        """Return what the other function calls the parameters that one of the seven arguments reaches."""
        try:
            parameters = list(inspect.signature(self.__wrapped__).parameters)
        except (TypeError, ValueError):
            parameters = []
        pairs = [*zip(parameters, self.arguments, strict=False), *self.keywords.items()]
        return [name for name, value in pairs if isinstance(value, str) and argument in arguments_behind(value)]

    def _calls(self, names: dict[str, Any]) -> Iterator[tuple[list[Any], dict[str, Any]]]:
        """Yield the arguments of each call, and leave in `names` what all of them share."""
        own = [word for word in in_order(self.words) if _is_of_sequence(word)]
        _evaluate([word for word in in_order([*self.words, *self._given]) if word not in own], names)
        if not self.one_sequence:
            yield self._values(names)
            return
        first = 0
        for number, length in enumerate(names["seq_lens"].tolist()):
            of_one = {**names, "sequence": number, "seq_len": length, "first_row": first}
            _evaluate(own, of_one)
            yield self._values(of_one)
            first += length

    def _values(self, names: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        values = [_value(argument, names) for argument in self.arguments]
        return values, {name: _value(argument, names) for name, argument in self.keywords.items()}


def foreign_in(function: Any) -> Foreign | None:
    """Return the adapter in a function, whatever is wrapped around it, or None where there is none."""
    while function is not None and not isinstance(function, Foreign):
        function = getattr(function, "__wrapped__", None)
    return function


def _is_of_sequence(word: str) -> bool:
    return any(name in SEQUENCE for name in _names(WORDS[word]))


@cache
def _code(expression: str) -> CodeType:
    return compile(expression, f"<{expression}>", "eval")


@cache
def _names(expression: str) -> frozenset[str]:
    return frozenset(_code(expression).co_names)


def _evaluate(words: Sequence[str], names: dict[str, Any]) -> None:
    for word in words:
        names[word] = eval(_code(WORDS[word]), names)


def _value(argument: Any, names: Mapping[str, Any]) -> Any:
    if isinstance(argument, Constant):
        return argument.value
    return eval(_code(expression_of(argument)), dict(names)) if isinstance(argument, str) else argument


def _together(returned: Sequence[Any], parts: Sequence[str]) -> list[Any]:
    """Return the parts of what all calls returned, one after the other where there were several."""
    alike = [tuple(of) if len(parts) > 1 and isinstance(of, (tuple, list)) else (of,) for of in returned]
    if len(alike) == 1:
        return list(alike[0])
    return [list(part) for part in zip(*alike, strict=True)] if alike else [[] for _ in parts]


def _as_promised(results: Sequence[Any], parts: Sequence[str], names: Mapping[str, Any]) -> Any:
    """Return results as bytes, K before S; what cannot be read so is returned as it is, for others to judge."""
    if len(results) != len(parts):
        return tuple(results)
    widths = {"k": names["index_head_dim"], "s": 4}
    told = {part: _bytes(result, widths[part], names["buf"]) for part, result in zip(parts, results, strict=True)}
    ordered = tuple(told[part] for part in ("k", "s") if part in told)
    return ordered if len(ordered) > 1 else ordered[0]


def _bytes(result: Any, width: int, buf: torch.Tensor) -> Any:
    if isinstance(result, (list, tuple)):
        rows = [_bytes(of, width, buf) for of in result]
        # Rows that do not lie alike are as they are, for others to judge.
        if not all(isinstance(of, torch.Tensor) for of in rows) or len({(of.dtype, of.shape[1:]) for of in rows}) > 1:
            return result
        return torch.cat(rows) if rows else torch.empty((0, width), dtype=torch.uint8, device=buf.device)
    if not isinstance(result, torch.Tensor) or not result.is_contiguous() or result.dtype == torch.uint8:
        return result
    if result.element_size() > 1 and result.dtype != torch.float32:
        return result
    rows_of = result.shape[0] if result.dim() else 0
    as_bytes = result.view(-1).view(torch.uint8)
    return as_bytes.view(rows_of, width) if as_bytes.numel() == rows_of * width else result
