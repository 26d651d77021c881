"""Reading machine code: how long it is, what its loads and stores move, what they need. Pure: text in, figures out."""

import re
from collections import Counter

_SASS = re.compile(r"^\s*/\*(?P<at>[0-9a-f]{4,})\*/\s+(?:@!?U?P\w+\s+)?(?P<name>[A-Z][A-Z0-9_.]*)", re.MULTILINE)
_SASS_INSTRUCTION_BYTES = 16
_SASS_MOVES = {"LDG": "loads", "LD": "loads", "LDGSTS": "loads", "STG": "stores", "ST": "stores"}
_SASS_WIDTHS = {"U8": 1, "S8": 1, "U16": 2, "S16": 2, "64": 8, "128": 16, "256": 32}
_SASS_BULK = {"UBLKCP", "UTMALDG", "UTMASTG"}
_USAGE = re.compile(r"\bREG:(?P<registers>\d+) STACK:(?P<stack>\d+) SHARED:\d+ LOCAL:(?P<local>\d+)")

_PTX_MOVE = re.compile(r"\b(?P<what>ld|st)(?:\.\w+)*?\.global(?P<modifiers>[\w.:]*)")
_PTX_ASYNC_LOAD = re.compile(r"\bcp\.async\.c[ag]\.shared\.global[\w.:]*\s*\[[^]]*\],\s*\[[^]]*\],\s*(?P<width>\w+)")
_PTX_BULK = re.compile(r"\bcp\.(?:reduce\.)?async\.bulk\.(?!commit|wait)")

_GCN_MOVE = re.compile(r"^\s+(?:global|flat|buffer)_(?P<what>load|store)_(?P<width>\w+)", re.MULTILINE)
_GCN_WIDTHS = {"dword": 4, "dwordx2": 8, "dwordx3": 12, "dwordx4": 16, "b32": 4, "b64": 8, "b96": 12, "b128": 16}
_GCN_NUMBERS = {
    "code bytes": r"^; codeLenInByte = (\d+)",
    "registers": r"^\s+\.vgpr_count:\s+(\d+)",
    "spill bytes": r"^\s+\.private_segment_fixed_size:\s+(\d+)",
}


class CannotRead(Exception):
    """A disassembly lacks what it should have."""


def nvidia_figures(listing: str) -> dict[str, int]:
    """Return the figures of one kernel, from what `cuobjdump -sass -res-usage` prints of its cubin.

    `loads of N bytes` and `stores of N bytes` count instructions of global memory; `bulk copies` those that the copy
    engine carries out. `spill bytes` are a thread's local memory.

    Raises:
        CannotRead: the listing has no instructions, or does not say what they use.
    """
    instructions = list(_SASS.finditer(listing))
    usage = _USAGE.search(listing)
    if not instructions or usage is None:
        raise CannotRead("cuobjdump printed no instructions, or no use of registers")
    moves: Counter[str] = Counter()
    for instruction in instructions:
        name, *modifiers = instruction["name"].split(".")
        if name in _SASS_MOVES:
            width = next((_SASS_WIDTHS[modifier] for modifier in modifiers if modifier in _SASS_WIDTHS), 4)
            moves[f"{_SASS_MOVES[name]} of {width} bytes"] += 1
        elif name in _SASS_BULK:
            moves["bulk copies"] += 1
    return {
        "code bytes": int(instructions[-1]["at"], 16) + _SASS_INSTRUCTION_BYTES,
        "registers": int(usage["registers"]),
        "spill bytes": int(usage["stack"]) + int(usage["local"]),
        **moves,
    }


def ptx_moves(ptx: str) -> dict[str, int]:
    """Return the loads, stores and bulk copies of a kernel as Triton hands it to the driver's compiler.

    Names are those of `nvidia_figures`. It needs no tool, and the compiler behind it may still merge some.
    """
    moves: Counter[str] = Counter()
    for move in _PTX_MOVE.finditer(ptx):
        vector = re.search(r"\.v(\d+)", move["modifiers"])
        bits = re.search(r"\.(?:b|u|s|f|bf)(\d+)", move["modifiers"])
        width = int(vector[1] if vector else 1) * int(bits[1] if bits else 32) // 8
        moves[f"{'loads' if move['what'] == 'ld' else 'stores'} of {width} bytes"] += 1
    for load in _PTX_ASYNC_LOAD.finditer(ptx):
        moves[f"loads of {int(load['width'], 0)} bytes"] += 1
    moves["bulk copies"] += len(_PTX_BULK.findall(ptx))
    return dict(+moves)


def amd_figures(assembly: str) -> dict[str, int]:
    """Return the figures of one kernel from its assembly; names are those of `nvidia_figures`, registers vector ones.

    Raises:
        CannotRead: the assembly does not say how long it is or what it uses.
    """
    figures = {}
    for name, pattern in _GCN_NUMBERS.items():
        found = re.search(pattern, assembly, re.MULTILINE)
        if found is None:
            raise CannotRead(f"the assembly does not tell its {name}")
        figures[name] = int(found[1])
    moves: Counter[str] = Counter()
    for move in _GCN_MOVE.finditer(assembly):
        moves[f"{move['what']}s of {_gcn_width(move['width'])} bytes"] += 1
    return {**figures, **moves}


def _gcn_width(name: str) -> int:
    parts = set(name.split("_"))
    wide = next((width for part, width in _GCN_WIDTHS.items() if part in parts), None)
    return wide or (2 if parts & {"ushort", "sshort", "short", "b16", "u16", "i16"} else 1)
