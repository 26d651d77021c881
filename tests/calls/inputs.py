"""From a plan to tensors: the seven arguments of a call, in the memory and the layout that the case asks for."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

from reference import quantised
from reference.coded_pool import coded_pages, coded_rows
from reference.indexing import gather_slots
from reference.layout import LAYOUTS, PADDING
from tests.calls.memory import Memory
from tests.cases.case import Case
from tests.cases.plan import FILL_WHOLE_POOL_BELOW_BYTES, Plan, plan

DTYPES = {"int32": torch.int32, "int64": torch.int64}
FILLER = 0x81
"""The byte that lies between, before and after the elements of an argument; as a page or a length, as wrong as any."""
FILLED_AT_ONCE = 1 << 15
"""Pages whose contents are made in one step."""


class Arguments(NamedTuple):
    """The seven arguments of a gather, in the order of the contract."""

    buf: torch.Tensor
    page_indices: torch.Tensor
    seq_lens: torch.Tensor
    seq_len_sum: int
    max_seq_len: int
    page_size: int
    index_head_dim: int

    @property
    def tensors(self) -> dict[str, torch.Tensor]:
        """The arguments that are memory, by name."""
        return {"buf": self.buf, "page_indices": self.page_indices, "seq_lens": self.seq_lens}


@dataclass(frozen=True)
class Call:
    """A call that is about to be made."""

    function: str
    """`get_k`, `get_s` or `get_k_and_s`."""
    arguments: Arguments
    case: Case
    needed_rows: int | None
    """Rows whose page is one of the pool's, where the contract says what rows hold."""


class Inputs:
    """The arguments of one case: made once, and rewritten in place for each variation of its contents."""

    def __init__(self, case: Case, device: torch.device, memory: Memory) -> None:
        self.case = case
        self.device = device
        self.memory = memory
        self.plan = plan(case)
        self._snapshots: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}
        batch, num_pages = len(self.plan.seq_lens), self.plan.num_pages
        pool_strides = case.page_pitch, case.pool_byte_step
        buf = self._place("buf", torch.uint8, (num_pages, case.page_bytes), pool_strides, case.pool_offset)
        table_dtype, lens_dtype = DTYPES[case.table_dtype], DTYPES[case.lens_dtype]
        strides, offset = _table_layout(case, batch, self.plan.max_pages)
        table = self._place("page_indices", table_dtype, (batch, self.plan.max_pages), strides, offset)
        step = {"every_other": 2, "one_for_all": 0}.get(case.lens_layout, 1)
        # One element in front, as in a view of the last of some lengths: the pointer is aligned to no more than itself.
        offset = 1 if case.lens_layout == "offset" else 0
        seq_lens = self._place("seq_lens", lens_dtype, (batch,), (step,), offset)
        self.arguments = Arguments(
            buf, table, seq_lens, case.seq_len_sum, case.max_seq_len, case.page_size, case.index_head_dim
        )
        self.write(self.plan)

    def write(self, contents: Plan) -> None:
        """Write the contents of a plan into the arguments, at the same addresses.

        The tensors' version counters do not move, as they do not when a kernel writes: an implementation that keeps
        something from call to call cannot learn of it there.
        """
        arguments = self.arguments
        columns = contents.page_table.shape[1]
        _write(arguments.page_indices.data[:, :columns], contents.page_table)
        _write(arguments.seq_lens.data, contents.device_seq_lens)
        self.write_prepared(contents, self.prepare_pool(contents))

    def shorten(self, contents: Plan) -> Arguments:
        """Write the lengths of a plan that differs in nothing else, and return the arguments of a call on them."""
        _write(self.arguments.seq_lens.data, contents.device_seq_lens)
        self.write_prepared(contents, ())
        longest = int(contents.seq_lens.max(initial=0)) + self.case.max_seq_len_error
        return self.arguments._replace(seq_len_sum=int(contents.seq_lens.sum()), max_seq_len=longest)

    def prepare_pool(self, contents: Plan) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yield pages of the pool, `(n,)` int64, with what a plan has in them, `(n, page_bytes)` uint8."""
        for pages in self._filled_pages(contents):
            yield pages, self._page_contents(pages, contents.content_seed)

    def write_prepared(self, contents: Plan, pool: Iterable[tuple[torch.Tensor, torch.Tensor]]) -> None:
        """Write a plan's pool, which `prepare_pool` made, without waiting for the device."""
        self.plan = contents
        for pages, held in pool:
            self.arguments.buf.data[pages] = held
        for name, (flat, _) in self._snapshots.items():
            self._snapshots[name] = (flat, flat.clone())

    def _place(
        self, name: str, dtype: torch.dtype, shape: tuple[int, ...], strides: tuple[int, ...], offset: int
    ) -> torch.Tensor:
        """Return a tensor of the given layout, with nothing in its memory past its last element."""
        last = sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
        elements = offset + last + 1 if all(shape) else offset
        flat = self.memory.allocate(name, elements * dtype.itemsize, self.device)
        if elements * dtype.itemsize < FILL_WHOLE_POOL_BELOW_BYTES:
            flat.fill_(FILLER)
            self._snapshots[name] = (flat, flat)
        return flat.view(dtype)[offset:].as_strided(shape, strides)

    def _filled_pages(self, contents: Plan) -> Iterator[torch.Tensor]:
        """Yield the pages that have contents, some at a time."""
        for start in range(0, len(contents.filled_pages), FILLED_AT_ONCE):
            yield torch.from_numpy(contents.filled_pages[start : start + FILLED_AT_ONCE]).to(self.device)

    def rows(self, slots: torch.Tensor, content_seed: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the K and S bytes of token slots, made anew and not read from `buf`.

        Args:
            slots: `(rows,)` int64, `page * page_size + token`, or negative for a row of zeros.
            content_seed: which of the contents.
        """
        case = self.case
        if case.content == "coded":
            return coded_rows(slots, case.index_head_dim, content_seed)
        pages, place = torch.unique(slots.clamp(min=0) // case.page_size, return_inverse=True)
        in_pages = torch.where(slots < 0, -1, place * case.page_size + slots % case.page_size)
        contents = self._page_contents(pages, content_seed)
        return gather_slots(contents, in_pages, case.page_size, case.index_head_dim, LAYOUTS[case.layout])

    def changed(self) -> list[str]:
        """Return the names of the arguments that no longer hold what was written to them."""
        return [name for name, tensor in self.arguments.tensors.items() if not self._holds(name, tensor)]

    def _holds(self, name: str, tensor: torch.Tensor) -> bool:
        if name in self._snapshots:
            flat, snapshot = self._snapshots[name]
            return torch.equal(flat, snapshot)
        if name == "buf":
            seed = self.plan.content_seed
            return all(torch.equal(tensor[p], self._page_contents(p, seed)) for p in self._filled_pages(self.plan))
        columns = self.plan.page_table.shape[1]
        return torch.equal(tensor[:, :columns], _tensor(self.plan.page_table, tensor))

    def _page_contents(self, pages: torch.Tensor, content_seed: int) -> torch.Tensor:
        case = self.case
        if case.content == "coded":
            return coded_pages(pages, case.page_size, case.index_head_dim, content_seed, LAYOUTS[case.layout])
        if case.content == "quantised":
            return self._quantised_pages(pages, content_seed)
        pattern = _pattern(case.content, content_seed)
        # Patterns repeat at a period prime to every page size, so that neighbouring tokens differ.
        start = pages[:, None] * 1_009 + torch.arange(case.page_bytes, device=self.device)
        return pattern.to(self.device)[start % len(pattern)]

    def _quantised_pages(self, pages: torch.Tensor, content_seed: int) -> torch.Tensor:
        case, size = self.case, self.case.page_size
        slots = (pages[:, None] * size + torch.arange(size, device=self.device)).flatten()
        places = torch.arange(len(slots), device=self.device)
        held = torch.full((len(pages), case.page_bytes), PADDING, dtype=torch.uint8, device=self.device)
        keys = quantised.keys_of(slots, case.index_head_dim, content_seed)
        quantised.write(held, places, *quantised.quantised(keys), size, LAYOUTS[case.layout])
        return held


def _write(tensor: torch.Tensor, values: np.ndarray) -> None:
    """Write an argument's values; of equal rows that lie in one place, one is written."""
    if tensor.dim() and tensor.shape[0] and tensor.stride(0) == 0:
        tensor, values = tensor[:1], values[:1]
    tensor.copy_(_tensor(values, tensor))


def _tensor(values: np.ndarray, like: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(values).to(like.dtype).to(like.device)


def _table_layout(case: Case, batch: int, width: int) -> tuple[tuple[int, int], int]:
    """Return the strides of the page table and the elements in front of it."""
    layouts = {
        "contiguous": ((width, 1), 0),
        "sliced": ((width + 5, 1), 0),
        "transposed": ((1, max(batch, 1)), 0),
        "offset": ((width, 1), 3),
        "every_other_column": ((2 * width, 2), 0),
        "one_row_for_all": ((0, 1), 0),
    }
    return layouts[case.table_layout]


def _pattern(content: str, seed: int) -> torch.Tensor:
    """Return the bytes that fill a pool of the given content over and over."""
    match content:
        case "every_byte":
            return torch.arange(256, dtype=torch.uint8).roll(seed)
        case "nan":
            # fp8 e4m3fn NaNs (also -0.0 read as e4m3fnuz), then quiet and signalling fp32 NaNs with payloads.
            words = [0x7F7FFFFF, 0x7FC00001, 0x7F800001, 0xFFC0DEAD, 0xFF80BEEF, 0x80FF7F80]
        case "special_floats":
            words = [0x80000000, 0x00000001, 0x807FFFFF, 0x00400000, 0x7F800000, 0xFF800000, 0x01018080]
        case "zeros":
            return torch.zeros(1, dtype=torch.uint8)
        case "ones":
            return torch.full((1,), 0xFF, dtype=torch.uint8)
        case _:
            raise ValueError(f"content: expected a known pattern, got {content!r}")
    return torch.from_numpy(np.roll(np.array(words, dtype="<u4"), seed).view(np.uint8).copy())
