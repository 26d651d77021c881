"""What of a cubin decides how its kernel runs, read out of the ELF file in plain Python.

A cubin also holds line tables, which name the source file, its modification time and its lines: the same code compiled
twice is two different files. So this compares what the driver loads into the GPU's memory, which are the sections
marked `SHF_ALLOC` (`.text.*` is the machine code, `.nv.constant*` its constants, `.nv.shared.*` counts by size), what
patches them, and `.nv.info*`, which tells the driver how to launch: registers, stack, parameters, limits. It does not
compare disassembly: that needs a tool and says no more.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

INSTRUCTION_BYTES = 16
"""Of every GPU since sm_70."""

_ALLOC = 0x2
_NOBITS, _RELA = 8, 4
_FOUR_BYTES_AND_MORE = 4
"""Format of an attribute of `.nv.info` whose value follows it; the others' lies within."""
_REGISTERS, _FRAME_SIZE, _STACK_SIZE, _MOST_STACK, _PARAMETERS = 0x2F, 0x11, 0x12, 0x23, 0x0A
_ABOUT_A_SYMBOL = {_REGISTERS, _FRAME_SIZE, _STACK_SIZE, _MOST_STACK, _PARAMETERS}
"""Attributes that begin with the number of a symbol, which depends on the debug sections before it."""


class NotACubin(Exception):
    """Some bytes are not the ELF file of machine code that was expected."""


@dataclass(frozen=True)
class MachineCode:
    """All of a cubin that decides how its kernel runs. Equal ones run alike; the kernel's name is no part of it."""

    text: bytes
    """The instructions, of all functions."""
    rest: Mapping[str, bytes] = field(repr=False)
    """Other sections by name: their bytes, or their size where they have none. The names of functions are numbers."""
    registers: int
    """Of a thread."""
    stack_bytes: int
    """Of a thread: spilled registers lie there."""
    moves: Mapping[str, int] = field(default_factory=dict, compare=False)
    """Loads and stores of global memory by width, to say what is other about other code; no part of what it is."""


@dataclass(frozen=True)
class _Section:
    name: str
    kind: int
    flags: int
    content: bytes
    patches: int
    """Number of the section that relocations are for."""


def machine_code(cubin: bytes) -> MachineCode:
    """Return what of a cubin decides how its kernel runs.

    Raises:
        NotACubin: it is none, or it holds no code.
    """
    try:
        sections = list(_sections(cubin))
        functions = [section.name.removeprefix(".text.") for section in sections if section.name.startswith(".text.")]
        text = b"".join(section.content for section in sections if section.name.startswith(".text."))
        if not text:
            raise NotACubin("expected a cubin with a section .text.*, there is none")
        rest: dict[str, bytes] = {}
        registers = stack_bytes = 0
        for section in sections:
            name = _without_names(section.name, functions)
            if section.name.startswith(".nv.info"):
                attributes = list(_attributes(section.content))
                rest[name] = repr(attributes).encode()
                for code, value in attributes:
                    if code == _REGISTERS:
                        registers = max(registers, struct.unpack("<I", value)[0])
                    elif code == _FRAME_SIZE:
                        stack_bytes += struct.unpack("<I", value)[0]
            elif section.kind == _RELA and sections[section.patches].flags & _ALLOC:
                rest[name] = _relocations(section.content)
            elif section.flags & _ALLOC and not section.name.startswith(".text."):
                rest[name] = section.content
    except (struct.error, IndexError, ValueError) as error:
        raise NotACubin(f"expected a cubin, cannot read these {len(cubin):,} bytes: {error}") from error
    return MachineCode(text, rest, registers, stack_bytes)


def differences(base: MachineCode, head: MachineCode) -> list[str]:
    """Return in words how two kernels' machine code differs; empty if they run alike."""
    told = []
    if len(base.text) != len(head.text):
        told.append(f"machine code {len(base.text):,} -> {len(head.text):,} bytes")
    elif base.text != head.text:
        count = len(base.text) // INSTRUCTION_BYTES
        places = range(0, len(base.text), INSTRUCTION_BYTES)
        changed = sum(base.text[at : at + INSTRUCTION_BYTES] != head.text[at : at + INSTRUCTION_BYTES] for at in places)
        told.append(f"machine code: {changed:,} of {count:,} instructions changed")
    if base.registers != head.registers:
        told.append(f"registers {base.registers} -> {head.registers}")
    if base.stack_bytes != head.stack_bytes:
        told.append(f"stack {base.stack_bytes:,} -> {head.stack_bytes:,} bytes")
    for name in sorted(base.moves.keys() | head.moves.keys()) if told else ():
        before, after = base.moves.get(name, 0), head.moves.get(name, 0)
        if before != after:
            told.append(f"{name} {before} -> {after}")
    if not told and base.rest != head.rest:
        names = base.rest.keys() | head.rest.keys()
        changed_sections = sorted(name for name in names if base.rest.get(name) != head.rest.get(name))
        told.append(f"what goes with the machine code: {', '.join(changed_sections)}")
    return told


def _sections(cubin: bytes) -> Iterator[_Section]:
    if cubin[:5] != b"\x7fELF\x02":
        raise NotACubin("expected a cubin, a 64-bit ELF file, got something else")
    (table,) = struct.unpack_from("<Q", cubin, 0x28)
    entry_bytes, count, of_names = struct.unpack_from("<HHH", cubin, 0x3A)
    headers = [struct.unpack_from("<IIQQQQIIQQ", cubin, table + number * entry_bytes) for number in range(count)]
    names = cubin[headers[of_names][4] : headers[of_names][4] + headers[of_names][5]]
    for name_at, kind, flags, _, start, size, _, info, *_ in headers:
        name = names[name_at : names.index(b"\0", name_at)].decode()
        content = f"{size} bytes".encode() if kind == _NOBITS else cubin[start : start + size]
        if kind != _NOBITS and len(content) != size:
            raise NotACubin(f"expected {size:,} bytes in the cubin's section {name}, got {len(content):,}")
        yield _Section(name, kind, flags, content, info if kind == _RELA else 0)


def _without_names(section: str, functions: list[str]) -> str:
    for number, function in enumerate(functions):
        if section.endswith(f".{function}"):
            return f"{section.removesuffix(function)}{number}"
    return section


def _attributes(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Return the attributes of a section `.nv.info*`: code and value, without numbers of symbols."""
    at = 0
    while at < len(content):
        form, code, value = struct.unpack_from("<BBH", content, at)
        at += 4
        if form != _FOUR_BYTES_AND_MORE:
            yield code, struct.pack("<H", value)
            continue
        following = content[at : at + value]
        yield code, following[4:] if code in _ABOUT_A_SYMBOL else following
        at += value


def _relocations(content: bytes) -> bytes:
    """Return relocations without the numbers of their symbols."""
    entries = struct.iter_unpack("<QIIq", content)
    return repr([(offset, kind, addend) for offset, kind, _, addend in entries]).encode()
