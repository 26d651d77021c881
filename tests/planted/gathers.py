"""Six correct gathers of as many styles: what bugs are planted in. Four are edits of the planted gather."""

from dataclasses import dataclass, field
from pathlib import Path

from tests.planted.bugs.bug import BASE
from tests.planted.edits import Change
from tests.planted.odd.styles import PERSISTENT

_SEARCH = """\
    blocks = (lengths + BLOCK - 1) // BLOCK
    ends = tl.cumsum(blocks, 0)
    if block >= tl.sum(blocks, 0):
        return
    is_before = (ends <= block) & (index < batch)
    sequence = tl.sum(is_before.to(tl.int64), 0)
"""
_GRID = "    grid = (seq_len_sum // BLOCK + batch,)\n"
_TOKEN = "    token = block * BLOCK + tl.arange(0, BLOCK)\n"
_BLOCK_IN_SEQUENCE = "    block -= tl.sum(tl.where(is_before, blocks, 0), 0)\n"
_LENGTHS = """\
    index = tl.arange(0, BATCH_BLOCK)
    lengths = tl.load(lens_ptr + index.to(tl.int64) * lens_stride, mask=index < batch, other=0).to(tl.int64)
    lengths = tl.minimum(tl.maximum(lengths, 0), rows)
"""
_SUMS = """\
    start = tl.sum(tl.where(is_before, lengths, 0), 0)
    length = tl.sum(tl.where(index == sequence, lengths, 0), 0)
"""

FLAT = {
    _SEARCH: "    sequence = block // columns\n    is_before = index < sequence\n",
    _BLOCK_IN_SEQUENCE: "    block = block % columns\n    if block * PAGE_SIZE >= length:\n        return\n",
    _TOKEN: "    slot = tl.arange(0, BLOCK)\n    token = block * PAGE_SIZE + slot\n",
    "is_row = (token < length)": "is_row = (slot < PAGE_SIZE) & (token < length)",
    "    ordinal = token // PAGE_SIZE\n    slot = token % PAGE_SIZE\n": "    ordinal = block\n",
    "mask=is_row & (ordinal < max_pages)": "mask=ordinal < max_pages",
    "    max_pages,\n    rows,\n": "    max_pages,\n    columns,\n    rows,\n",
    "            max_pages,\n            seq_len_sum,\n": "            max_pages,\n            columns,\n            seq_len_sum,\n",
    _GRID: "    columns = max(1, triton.cdiv(arguments[4], page_size))\n    grid = (batch * columns,)\n",
    "            BLOCK=BLOCK,\n": "            BLOCK=triton.next_power_of_2(page_size),\n",
}
"""A page a program."""

TOKEN = {
    _SEARCH: _SEARCH.replace("    blocks = (lengths + BLOCK - 1) // BLOCK\n", "").replace("blocks", "lengths"),
    _BLOCK_IN_SEQUENCE: "",
    _TOKEN: "    token = block - start + tl.arange(0, BLOCK)\n",
    "BLOCK = 32\n": "BLOCK = 1\n",
    _GRID: "    grid = (seq_len_sum,)\n",
}
"""A token a program."""

CUMULATIVE = {
    _LENGTHS + _SEARCH + _SUMS + _BLOCK_IN_SEQUENCE + _TOKEN + "    row = start + token\n": """\
    row = block * BLOCK + tl.arange(0, BLOCK)
    low = tl.zeros([BLOCK], tl.int64)
    high = low + batch
    for _ in range(STEPS):
        middle = (low + high) // 2
        end = tl.load(ends_ptr + middle, mask=low < high, other=0)
        is_after = (low < high) & (end <= row)
        low = tl.where(is_after, middle + 1, low)
        high = tl.where(is_after, high, middle)
    sequence = low
    start = tl.load(ends_ptr + sequence - 1, mask=(sequence > 0) & (row < rows), other=0)
    token = row - start
""",
    "is_row = (token < length)": "is_row = (sequence < batch)",
    "    lens_ptr,\n": "    ends_ptr,\n",
    "            seq_lens,\n": "            ends,\n",
    "    lens_stride,\n": "",
    "            seq_lens.stride(0),\n": "",
    "    BATCH_BLOCK: tl.constexpr,\n": "    STEPS: tl.constexpr,\n",
    "            BATCH_BLOCK=triton.next_power_of_2(batch),\n": "            STEPS=batch.bit_length(),\n",
    _GRID: "    ends = seq_lens.clamp(0, seq_len_sum).long().cumsum(0)\n    grid = (triton.cdiv(seq_len_sum, BLOCK),)\n",
}
"""Cumulative lengths, in which each row searches for its sequence."""


@dataclass(frozen=True)
class Style:
    """A correct gather, and what it promises."""

    name: str
    contract: str
    edits: dict[str, str] = field(default_factory=dict)
    """Of the file."""
    path: Path = BASE
    most_rows: int = 1 << 40
    """Rows of the largest results that the interpreter makes in reasonable time."""

    def source(self, edits: dict[str, str] = {}) -> str:  # noqa: B006 - only read
        """Return the text of the gather, with edits planted in it."""
        text = Change(name=self.name, path=self.path, edits=self.edits).source()
        return Change(name=self.name, path=self.path, edits=edits).source_of(text)


STYLES = {
    style.name: style
    for style in (
        Style("tile", "strict"),
        Style("flat", "strict", FLAT),
        Style("token", "strict", TOKEN, most_rows=130),
        Style("persistent", "strict", PERSISTENT),
        Style("indexing", "safe", path=BASE.with_name("indexing.py")),
        Style("cumulative", "safe", CUMULATIVE),
    )
}
