"""The compiler as an instrument of the examination."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple, Self

from tests import ROOT
from tests.instruments.compiles.answers import COMPILES, Answer, Answers
from tests.instruments.compiles.helper import CannotAsk, Helper
from tests.instruments.compiles.source_key import source_key
from tests.instruments.cost.recording import CannotSpecialise, variant_of
from tests.instruments.cost.variants import NotPortable, Variant
from tests.instruments.triton_seams import InterpretedLaunch, constants_of, interpreted_launches, place_of

FOLDER = ROOT / ".gate" / "compiled"


class _Asked(NamedTuple):
    """A kernel's function, and a variant of it that a call launches."""

    function: Any
    variant: Variant
    constants: tuple[tuple[str, str], ...]
    """Those that the kernel declares, as text; Triton makes further ones of arguments that are 1."""


class Refusal(NamedTuple):
    """A variant that does not compile."""

    message: str
    line: str
    """File and line of the kernel, as in findings' details."""


class Compiles:
    """Says of each variant that a call launches whether Triton's compiler takes it. A context manager.

    Args:
        implementation: whose launches they are, as `--impl` names it.
        folder: where answers are kept.
    """

    def __init__(self, implementation: str, folder: Path = FOLDER) -> None:
        self._answers = Answers(folder)
        self._helper = Helper(implementation)
        self._told: dict[_Asked, Refusal | None] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._helper.close()

    @contextmanager
    def watch(self) -> Iterator["CompiledCall"]:
        """Note the launches inside the block, which are then run."""
        seen = CompiledCall(self.refusal)
        with interpreted_launches(seen.on_launch):
            yield seen

    def refusal(self, asked: _Asked) -> Refusal | None:
        """Return what is wrong with a variant, or None if it compiles.

        Raises:
            CannotAsk: it cannot be told.
        """
        if asked not in self._told:
            self._told[asked] = self._refusal(asked)
        return self._told[asked]

    def _refusal(self, asked: _Asked) -> Refusal | None:
        file, def_line = place_of(asked.function)
        answer = self._answer(asked, file, def_line)
        if answer.reason is None:
            return None
        line = def_line + (answer.line or 1) - 1
        message = f"{asked.variant.name} does not compile: {answer.reason} ({Path(file).name} line {line})"
        return Refusal(message, f"{file}:{line}")

    def _answer(self, asked: _Asked, file: str, def_line: int) -> Answer:
        variant, source = asked.variant, source_key(asked.function)
        try:
            portable = variant.as_json()
        except NotPortable as error:
            raise CannotAsk(f"whether {variant.name} compiles cannot be told: {error}") from error
        of_ir = _hash(source, {**portable, "module": ""})
        of_code = _hash(source, [asked.constants, portable["options"]])
        known, code = self._answers.get(of_ir), self._answers.get(of_code)
        if known is None or (known.reason is None and code is None):
            told = self._helper.ask(
                {"variant": portable, "file": file, "def_line": def_line, "to_machine_code": code is None}
            )
            answer = Answer(told["reason"], told["line"])
            known = answer if told["is_of_ir"] else COMPILES
            self._answers.keep(of_ir, known)
            if not told["is_of_ir"]:
                code = answer
                self._answers.keep(of_code, code)
        return known if known.reason is not None or code is None else code


class CompiledCall:
    """The variants that one call launches."""

    def __init__(self, refusal: Callable[[_Asked], Refusal | None]) -> None:
        self._refusal = refusal
        self._asked: dict[_Asked, None] = {}
        self._refused: list[Refusal] = []

    def on_launch(self, launch: InterpretedLaunch, run: Callable[[], None]) -> None:
        """Note what Triton would compile for a launch, and run it."""
        try:
            self._asked[_asked(launch)] = None
        except CannotSpecialise as error:
            file, line = place_of(launch.kernel.fn)
            self._refused.append(Refusal(f"Triton refuses the launch of {error}", f"{file}:{line}"))
        run()

    def refusals(self) -> list[Refusal]:
        """Return what is wrong with each variant that does not compile.

        Raises:
            CannotAsk: it cannot be told.
        """
        told = [*self._refused, *map(self._refusal, self._asked)]
        return [refusal for refusal in told if refusal is not None]


def _asked(launch: InterpretedLaunch) -> _Asked:
    kernel = launch.kernel
    variant = variant_of(launch, "cuda")
    declared = constants_of(kernel.fn, kernel.arg_names)
    names = {place[0]: kernel.arg_names[place[0]] for place in variant.constants}
    constants = sorted(
        (names[place[0]], f"{place[1:]} {value!r}")
        for place, value in variant.constants.items()
        if names[place[0]] in declared
    )
    return _Asked(kernel.fn, variant, tuple(constants))


def _hash(source: str, about: Any) -> str:
    return sha256(f"{source}{json.dumps(about, sort_keys=True)}".encode()).hexdigest()
