"""What an edge case is: a row of data that says how the seven arguments of a gather look."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

PageOrder = Literal["shuffled", "reversed", "same", "shared_prefix"]
TailFill = Literal["stale", "minus_one", "huge", "int_min"]
TableLayout = Literal["contiguous", "sliced", "transposed", "offset", "every_other_column", "one_row_for_all"]
LengthsLayout = Literal["contiguous", "every_other", "offset", "one_for_all"]
IndexDtype = Literal["int32", "int64"]
Content = Literal["coded", "every_byte", "nan", "special_floats", "zeros", "ones"]
Question = Literal["values", "memory", "arguments", "variants"]
Quantity = Literal["lengths", "table_widths", "pools"]
ArgumentName = Literal["buf", "page_indices", "seq_lens", "seq_len_sum", "max_seq_len", "page_size", "index_head_dim"]

QUESTIONS: tuple[Question, ...] = get_args(Question)
"""What families of cases ask. Each has a file of the suite, `tests/test_QUESTION.py`, that examines its families."""


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
    """The rules of the contract that the case bears on. The first is cited when rows are wrong, the highest decides
    from which contract level on the case is run."""
    seq_lens: tuple[int, ...] = ()
    """Tokens of each sequence."""

    page_size: int = 64
    index_head_dim: int = 128
    content: Content = "coded"
    """What the pool's bytes are: codes of page, token and lane, or patterns that arithmetic would spoil."""

    num_pages: int | None = None
    """Pages of the pool; unless said, somewhat more than the sequences need."""
    pages: PageOrder = "shuffled"
    """How the sequences' pages lie in the pool."""
    pages_from: int = 0
    """The lowest page that the table names by itself."""
    page_at: dict[tuple[int, int], int] = field(default_factory=dict)
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

    seq_len_sum_error: int = 0
    """By how much the host's `seq_len_sum` is off."""
    max_seq_len_error: int = 0
    """By how much the host's `max_seq_len` is off."""
    device_seq_lens: tuple[int, ...] | None = None
    """What `seq_lens` holds on the device, where the host believes something else."""

    bad: BadArgument | None = None
    """How the call is spoilt, if it has to be refused."""

    grows: Quantity | None = None
    """What doubles from call to call, where the question is what such calls compile; see `tests.cases.growth`."""

    needs_gpu: str | None = None
    """Why the case is out of the interpreter's reach, if it is."""
    heavy: bool = False
    """The case takes seconds on the interpreter; a quick run leaves it out."""
    seed: int = 0
    """Seed of everything that is drawn for the case."""
    family: str = ""
    """Name of the family; the catalogue fills it in."""

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
        return self.page_size * (self.index_head_dim + 4)

    @property
    def pages_needed(self) -> tuple[int, ...]:
        """Pages that each sequence fills, the last perhaps in part."""
        return tuple(-(-length // self.page_size) for length in self.seq_lens)

    @property
    def rows_are_open(self) -> bool:
        """Whether the contract leaves open what the rows hold (rule 13)."""
        return self.device_seq_lens is not None or self.seq_len_sum_error != 0 or self.max_seq_len_error < 0

    @property
    def rule_of_wild_access(self) -> int:
        """The rule that an access outside arguments and results breaks on this case."""
        return next((rule for rule in self.rules if rule in (11, 12, 13)), self.rules[0])

    @property
    def may_be_refused(self) -> bool:
        """Whether a `ValueError` is as good as the right rows (rules 9 and 10)."""
        return bool({9, 10} & set(self.rules))


def family(name: str, cases: list[Case]) -> list[Case]:
    """Return the cases of one family, each knowing its family's name."""
    return [replace(case, family=name) for case in cases]
