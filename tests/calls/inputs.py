"""From a plan to tensors: the seven arguments of a call, in the memory and the layout that the case asks for."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch

from tests.calls.contents import pages_of, pool_on_host
from tests.calls.fetching import Fetch
from tests.calls.memory import Memory
from tests.calls.placed import Placed
from tests.cases.case import Case
from tests.cases.plan import Plan, plan

DTYPES = {"int32": torch.int32, "int64": torch.int64}
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
        self.plan = plan(case)
        batch, num_pages = len(self.plan.seq_lens), self.plan.num_pages
        pool_strides = case.page_pitch, case.pool_byte_step
        shape = num_pages, case.page_bytes
        self._buf = Placed(memory, "buf", device, torch.uint8, shape, pool_strides, case.pool_offset)
        strides, offset = _table_layout(case, batch, self.plan.max_pages)
        shape, dtype = (batch, self.plan.max_pages), DTYPES[case.table_dtype]
        self._table = Placed(memory, "page_indices", device, dtype, shape, strides, offset)
        step = {"every_other": 2, "one_for_all": 0}.get(case.lens_layout, 1)
        # One element in front, as in a view of the last of some lengths: the pointer is aligned to no more than itself.
        offset = 1 if case.lens_layout == "offset" else 0
        self._lens = Placed(memory, "seq_lens", device, DTYPES[case.lens_dtype], (batch,), (step,), offset)
        self._placed = {"buf": self._buf, "page_indices": self._table, "seq_lens": self._lens}
        numbers = case.seq_len_sum, case.max_seq_len, case.page_size, case.index_head_dim
        self.arguments = Arguments(self._buf.tensor, self._table.tensor, self._lens.tensor, *numbers)
        self.write(self.plan)

    def write(self, contents: Plan) -> None:
        """Write the contents of a plan into the arguments, at the same addresses.

        The tensors' version counters do not move, as they do not when a kernel writes: an implementation that keeps
        something from call to call cannot learn of it there.
        """
        self._table.write(contents.page_table)
        self._lens.write(contents.device_seq_lens)
        if self._fill_twin(contents):
            self._buf.send()
        else:
            for pages in self._filled_pages(contents):
                self._buf.tensor.data[pages] = pages_of(self.case, pages, contents.content_seed)

    def shorten(self, contents: Plan) -> Arguments:
        """Write the lengths of a plan that differs in nothing else, and return the arguments of a call on them."""
        self._lens.write(contents.device_seq_lens)
        self.plan = contents
        longest = int(contents.seq_lens.max(initial=0)) + self.case.max_seq_len_error
        return self.arguments._replace(seq_len_sum=int(contents.seq_lens.sum()), max_seq_len=longest)

    def prepared(self, contents: Plan) -> Callable[[], None]:
        """Make a plan's pool, and return what writes it into `buf` without waiting for the device."""
        if self._fill_twin(contents):
            return self._buf.staged()
        pool = [(pages, pages_of(self.case, pages, contents.content_seed)) for pages in self._filled_pages(contents)]

        def write() -> None:
            for pages, held in pool:
                self._buf.tensor.data[pages] = held

        return write

    @property
    def made_on(self) -> torch.device:
        """The device that the pool's contents are made on."""
        return self._buf.written.device

    def _fill_twin(self, contents: Plan) -> bool:
        """Note that a plan's contents are to be there, and write them into the pool's twin; whether there is one."""
        self.plan = contents
        if not self._buf.is_whole:
            return False
        twin = self._buf.written
        if twin.device.type == "cpu":
            twin.copy_(pool_on_host(self.case, contents.content_seed))
        else:
            pages = torch.arange(contents.num_pages, device=twin.device)
            twin.copy_(pages_of(self.case, pages, contents.content_seed))
        return True

    def _filled_pages(self, contents: Plan) -> Iterator[torch.Tensor]:
        """Yield the pages that have contents, some at a time."""
        for start in range(0, len(contents.filled_pages), FILLED_AT_ONCE):
            pages = torch.from_numpy(contents.filled_pages[start : start + FILLED_AT_ONCE])
            yield pages.to(self.device, non_blocking=True)

    def changed(self, fetch: Fetch) -> Callable[[], list[str]]:
        """Ask which arguments no longer hold what was written to them; return what tells their names."""
        looks = {name: list(self._looks(placed, fetch)) for name, placed in self._placed.items()}
        return lambda: [name for name, of in looks.items() if any(look() for look in of)]

    def _looks(self, placed: Placed, fetch: Fetch) -> Iterator[Callable[[], bool]]:
        if placed.is_whole or placed is not self._buf:
            yield placed.differs(fetch)
            return
        for pages in self._filled_pages(self.plan):
            yield fetch.differs(placed.tensor[pages], pages_of(self.case, pages, self.plan.content_seed))


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
