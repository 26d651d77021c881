"""What an edge case is: a row of data that says how the seven arguments of a gather look."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

from reference.layout import LAYOUTS
from tests.contract import Rule

PageOrder = Literal["shuffled", "reversed", "same", "shared_prefix"]
TailFill = Literal["stale", "minus_one", "huge", "int_min"]
TableLayout = Literal["contiguous", "sliced", "transposed", "offset", "every_other_column", "one_row_for_all"]
LengthsLayout = Literal["contiguous", "every_other", "offset", "one_for_all"]
IndexDtype = Literal["int32", "int64"]
LayoutName = Literal["blocks", "interleaved", "tiles", "padded"]
Content = Literal["coded", "every_byte", "nan", "special_floats", "zeros", "ones", "quantised"]
Question = Literal["values", "memory", "arguments", "variants"]
Quantity = Literal["lengths", "batches", "table_widths", "pools"]
Relation = Literal["pages_permuted", "split", "appended", "garbage", "reversed"]
FunctionName = Literal["get_k_and_s", "get_k", "get_s"]
ArgumentName = Literal["buf", "page_indices", "seq_lens", "seq_len_sum", "max_seq_len", "page_size", "index_head_dim"]

QUESTIONS: tuple[Question, ...] = get_args(Question)
"""What families of cases ask. Each has a file of the suite, `tests/test_QUESTION.py`, that examines its families."""
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True, kw_only=True)
class BadArgument:
    """A change that makes a call refusable, and the argument that the error has to name.

    `change` takes the seven arguments as a `tests.calls.inputs.Arguments` and returns the spoilt ones.
    """

    names: tuple[ArgumentName, ...]
    change: Callable[[Any], Any]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One row of the catalogue. What a row does not say is what production looks like."""

    name: str
    """Unique; a part of the test's id, so lower case words with hyphens."""
    rules: tuple[int, ...]
    """Numbers of the rules that the case bears on, the most particular first; once the row is made, each is a `Rule`.
    `tests.examine.blame` chooses among them; the highest level of them decides from which contract on the case is
    run."""
    seq_lens: tuple[int, ...] = ()
    """Tokens of each sequence."""

    page_size: int = 64
    index_head_dim: int = 128
    layout: LayoutName = "blocks"
    """How keys and scales lie in a page; see `reference.layout`."""
    content: Content = "coded"
    """What the pool's bytes are: codes of page, token and lane, patterns that arithmetic would spoil, or keys in fp8
    with their scales."""

    num_pages: int | None = None
    """Pages of the pool; unless said, somewhat more than the sequences need."""
    pages: PageOrder = "shuffled"
    """How the sequences' pages lie in the pool."""
    pages_from: int = 0
    """The lowest page that the table names by itself."""
    page_at: dict[tuple[int, int], int] = field(default_factory=dict, hash=False)
    """Single entries of the page table, by (sequence, place in the sequence; -1 is its last page)."""
    tail: TailFill = "stale"
    """What table entries past a sequence's last page hold; stale ones are valid pages of other requests."""
    spare_columns: int = 2
    """Columns of the table past the longest sequence."""
    table_width: int | None = None
    """Columns of the table, where it is much wider than the sequences need."""
    table_dtype: IndexDtype = "int32"
    table_layout: TableLayout = "contiguous"
    lens_dtype: IndexDtype = "int64"
    lens_layout: LengthsLayout = "contiguous"

    pool_offset: int = 0
    """Bytes between the start of the pool's memory, which is aligned, and its first page."""
    pool_row_gap: int = 0
    """Bytes between two pages of the pool."""
    pool_byte_step: int = 1
    """How far apart two bytes of a page lie."""

    seq_len_sum_error: int = 0
    """By how much the host's `seq_len_sum` is off."""
    max_seq_len_error: int = 0
    """By how much the host's `max_seq_len` is off."""
    device_seq_lens: tuple[int, ...] | None = None
    """What `seq_lens` holds on the device, where the host believes something else."""

    chunks: int = 0
    """Steps of a chunked prefill that the sequences grow in, where the question is the logits that come of them."""

    first: FunctionName = "get_k_and_s"
    """The function that is examined first, before anything could be left behind by the others."""

    relation: Relation | None = None
    """What is done to the call that must leave its rows as they are, where that is the question: its pages lie
    elsewhere, its batch is split in two, gets a sequence more or is reversed, or what nobody needs is garbage."""

    bad: BadArgument | None = None
    """How the call is spoilt, if it has to be refused."""

    grows: Quantity | None = None
    """What doubles from call to call, where the question is what such calls compile; see `tests.cases.growth`."""

    calls: tuple["Case", ...] = ()
    """Calls that are made one after the other, where the question is what an implementation keeps from one for the
    next. Each is a case of its own, and the row says nothing else."""

    needs_gpu: str | None = None
    """Why the case is out of the interpreter's reach, if it is."""
    heavy: bool = False
    """The case takes seconds on the interpreter; a quick run leaves it out."""
    seed: int = 0
    """Seed of everything that is drawn for the case."""
    family: str = ""
    """Name of the family; the catalogue fills it in."""

    def __post_init__(self) -> None:
        for expected, is_so in self._expectations():
            if not is_so:
                raise ValueError(f"case {self.family}/{self.name}: expected {expected}")
        object.__setattr__(self, "rules", tuple(Rule(rule) for rule in self.rules))

    def _expectations(self) -> Iterator[tuple[str, bool]]:
        """Yield what a row must be, in words, and whether it is."""
        names = [self.name, *filter(None, [self.family])]
        yield "a name of lower-case words and numbers with hyphens between", all(map(_NAME.fullmatch, names))
        yield "rules: one at least", bool(self.rules)
        yield f"rules: numbers from 1 to {max(Rule)}, got {self.rules}", set(self.rules) <= set(Rule)
        yield "rules: each once", len(set(self.rules)) == len(self.rules)
        yield "rules: 13, where host and device disagree", not self.rows_are_open or Rule.DISAGREEMENT in self.rules
        yield "rules: 14, where an argument is bad", self.bad is None or Rule.BAD_ARGUMENTS in self.rules
        yield "seq_lens: no negative ones", min(self.seq_lens, default=0) >= 0
        device_batch = len(self.seq_lens if self.device_seq_lens is None else self.device_seq_lens)
        yield "device_seq_lens: as many as seq_lens", device_batch == len(self.seq_lens)
        yield "page_size: 1 or more", self.page_size >= 1
        yield "pool_byte_step: 1 or more", self.pool_byte_step >= 1
        is_multiple = self.index_head_dim >= 4 and self.index_head_dim % 4 == 0
        yield "index_head_dim: a multiple of 4", is_multiple
        sizes = (self.pool_offset, self.pool_row_gap, self.pages_from, self.spare_columns, self.num_pages or 0)
        yield "pool_offset, pool_row_gap, pages_from, spare_columns, num_pages: 0 or more", min(sizes) >= 0
        batch = len(self.seq_lens)
        yield "page_at: sequences of the batch", all(0 <= sequence < batch for sequence, _ in self.page_at)

    @property
    def id(self) -> str:
        """The case's name in test ids, reports and on the command line: `family/name`."""
        return f"{self.family}/{self.name}"

    @property
    def seq_len_sum(self) -> int:
        """What the host believes the sum of the lengths to be."""
        return sum(self.seq_lens) + self.seq_len_sum_error

    @property
    def max_seq_len(self) -> int:
        """What the host believes the longest length to be."""
        return max(self.seq_lens, default=0) + self.max_seq_len_error

    @property
    def page_bytes(self) -> int:
        """Bytes of one page."""
        return LAYOUTS[self.layout].page_bytes(self.page_size, self.index_head_dim)

    @property
    def page_pitch(self) -> int:
        """Bytes from the start of a page in the pool to that of the next."""
        return self.page_bytes * self.pool_byte_step + self.pool_row_gap

    @property
    def pages_needed(self) -> tuple[int, ...]:
        """Pages that each sequence fills, the last perhaps in part."""
        return tuple(-(-length // self.page_size) for length in self.seq_lens)

    @property
    def rows_are_open(self) -> bool:
        """Whether the contract leaves open what the rows hold (rule 13)."""
        return self.device_seq_lens is not None or self.seq_len_sum_error != 0 or self.max_seq_len_error < 0

    @property
    def may_be_refused(self) -> bool:
        """Whether a `ValueError` is as good as the right rows (rules 9, 10 and 13)."""
        is_beyond_lengths = self.seq_len_sum > len(self.seq_lens) * self.max_seq_len
        return is_beyond_lengths or bool({Rule.GEOMETRIES, Rule.STRIDES} & set(self.rules))


def family(name: str, cases: list[Case]) -> list[Case]:
    """Return the cases of one family, each knowing its family's name."""
    return [replace(case, family=name) for case in cases]
