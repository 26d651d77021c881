"""Reads a kernel's Triton IR as Triton prints it, before its passes: nothing that the kernel does is left out yet."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

_VALUE = r"%[\w$.-]+(?:#\d+)?"
_TYPE = r"!tt\.ptr<\w+>|tensor<[^<>]*(?:<\w+>)?>|[a-z]\w*"
_SYMBOL = re.compile(r'@("(?:[^"]*)"|[\w$.]+)')


class Unmodelled(Exception):
    """Something that the proof has no model of; the text names it and says where it stands."""


@dataclass(frozen=True)
class Type:
    """The type of a value: its shape, and the bits of one lane."""

    shape: tuple[int, ...]
    bits: int | None
    """None of a pointer."""
    pointee_bits: int | None = None
    is_float: bool = False

    @classmethod
    def of(cls, text: str) -> "Type":
        """Return the type that a text names.

        Raises:
            Unmodelled: it is none of numbers, pointers to numbers, and tensors of both.
        """
        text = text.strip()
        match = re.fullmatch(r"tensor<((?:\d+x)+)(.*)>", text)
        shape = tuple(map(int, match[1].rstrip("x").split("x"))) if match else ()
        scalar = match[2] if match else text
        if pointer := re.fullmatch(r"!tt\.ptr<(.*)>", scalar):
            return cls(shape, None, cls.of(pointer[1]).bits)
        number = re.fullmatch(r"(i|f|bf)(\d+)\w*", scalar)
        if number is None:
            raise Unmodelled(f"the type {text}")
        return cls(shape, int(number[2]), is_float=number[1] != "i")


@dataclass
class Operation:
    """One operation: its name, the values that it takes and gives, and its text, which has the rest."""

    name: str
    text: str
    results: list[str]
    operands: list[str]
    place: str
    """`file:line` of the kernel."""
    regions: list["Region"] = field(default_factory=list)

    @property
    def result_types(self) -> list[Type]:
        """The types behind the last arrow or `to`, or else the last colon."""
        tail = re.split(r" -> | to ", self.text)[-1] if re.search(r" -> | to ", self.text) else self._types
        return [Type.of(part) for part in re.findall(_TYPE, tail.strip("() {"))]

    @property
    def operand_types(self) -> list[Type]:
        """The types behind the last colon, up to an arrow or `to`."""
        return [Type.of(part) for part in re.findall(_TYPE, re.split(r" -> | to ", self._types)[0])]

    @property
    def _types(self) -> str:
        return self.text.rpartition(" : ")[2]

    def number(self, attribute: str) -> int:
        """Return an attribute that is a number.

        Raises:
            Unmodelled: there is none of that name.
        """
        match = re.search(rf"\b{attribute} = (-?\d+)", self.text)
        if match is None:
            raise Unmodelled(f"{self.name} without {attribute} at {self.place}")
        return int(match[1])

    @property
    def callee(self) -> str:
        """The function that a `tt.call` calls."""
        match = _SYMBOL.search(self.text)
        assert match is not None
        return match[1].strip('"')

    @property
    def blocks(self) -> list[str]:
        """The blocks that it may go on with."""
        return re.findall(r"\^bb\d+", self.text)

    def passed_to(self, block: str) -> list[str]:
        """Return the values that it hands to a block."""
        match = re.search(re.escape(block) + r"\(([^:)]*)", self.text)
        return re.findall(_VALUE, match[1]) if match else []

    def pairs(self) -> list[tuple[str, str]]:
        """Return the `%name = %value` within its first parentheses."""
        return re.findall(rf"({_VALUE}) = ({_VALUE})", self.text)


@dataclass
class Block:
    """Operations in a row, and the names of the values that the block is entered with."""

    arguments: list[str]
    operations: list[Operation] = field(default_factory=list)


Region = dict[str, Block]
"""Blocks by name; the first is entered."""


@dataclass
class Function:
    """A function of the module."""

    name: str
    parameters: list[tuple[str, str]]
    """Name and text of the type."""
    body: Region


def entry(region: Region) -> Block:
    """Return the block that a region is entered by."""
    return next(iter(region.values()))


class Module:
    """A module of Triton's IR.

    Raises:
        Unmodelled: a line is of a form that is not known.
    """

    def __init__(self, text: str) -> None:
        self._locations = dict(re.findall(r"^#(loc\d*) = loc\((.*)\)$", text, re.M))
        # Locations of block arguments and hints on values, which mean nothing here, would be in the way.
        lines = (re.sub(r"\{tt\.\w+ = [^{}]*\}", "", line) for line in text.splitlines())
        self._lines = [line.strip() for line in lines if line.strip() and not line.startswith("#loc")]
        self._at = 0
        self.functions: dict[str, Function] = {}
        self.kernel = ""
        while self._at < len(self._lines):
            line = self._lines[self._at]
            self._at += 1
            if line.startswith("tt.func"):
                self._function(line)
        if not self.kernel:
            raise Unmodelled("a module without a public function")

    def _function(self, line: str) -> None:
        symbol = _SYMBOL.search(line)
        assert symbol is not None
        name = symbol[1].strip('"')
        parameters = re.findall(rf"({_VALUE}): ({_TYPE})", line[symbol.end() :].partition(") attributes")[0])
        self.functions[name] = Function(name, parameters, self._region())
        if line.startswith("tt.func public"):
            self.kernel = name

    def _region(self) -> Region:
        region: Region = {"^bb0": Block([])}
        block = region["^bb0"]
        while True:
            line = self._lines[self._at]
            self._at += 1
            if line.startswith("}"):
                self._end = line
                return region
            if label := re.match(r"(\^bb\d+)", line):
                block = region[label[1]] = Block(re.findall(rf"({_VALUE}): ", _without_locations(line)))
            else:
                block.operations.append(self._operation(line))

    def _operation(self, line: str) -> Operation:
        place, text = self._place(line), re.sub(r" loc\(#loc\d*\)$", "", line)
        match = re.fullmatch(r'(?:(%[\w$.-]+)(?::(\d+))? = )?"?([a-z_]+\.[\w.]+)"?(.*)', text)
        if match is None:
            raise Unmodelled(f"the line {text[:80]!r} of the IR")
        name, count = match[1], match[2]
        results = [f"{name}#{index}" for index in range(int(count))] if count else [name] if name else []
        operation = Operation(match[3], match[3] + match[4], results, re.findall(_VALUE, match[4]), place)
        while text.endswith("{"):
            operation.regions.append(self._region())
            text = self._end
            operation.place = self._place(text) or operation.place
            operation.text += " " + re.sub(r" loc\(#loc\d*\)$", "", text)
            text = re.sub(r" loc\(#loc\d*\)$", "", text)
        return operation

    def _place(self, line: str) -> str:
        match = re.search(r"loc\(#(loc\d*)\)$", line)
        return self._found(match[1]) if match else ""

    def _found(self, location: str) -> str:
        """Return the innermost line of the kernel's own files, which Triton's library calls lead to."""
        text = self._locations.get(location, "")
        if place := re.search(r'^"([^"]+)":(\d+):', text):
            path = PurePosixPath(place[1])
            return "" if "triton" in path.parts else f"{path.name}:{place[2]}"
        return next(filter(None, map(self._found, re.findall(r"#(loc\d+)", text))), "")


def _without_locations(line: str) -> str:
    return re.sub(r" loc\((?:[^()]|\([^()]*\))*\)", "", line)


def dense_constant(text: str) -> int | None:
    """Return the number of `arith.constant`, the same in all lanes; None if it is no whole number."""
    match = re.match(r"arith\.constant (?:dense<)?(true|false|-?\d+)>?(?: : |$)", text)
    if match is None:
        return None
    return int(match[1]) if match[1] not in ("true", "false") else int(match[1] == "true")


Definitions = Mapping[str, Function]
