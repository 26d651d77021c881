"""Bugs to plant in `tests/seeded/gather.py`, each with the rule that must be cited and the cases that must show it.

Most are bugs of real kernels: SGLang's gathers and their kin in vLLM, aiter, FlashInfer, DeepGEMM and others had them.
"""

from tests.seeded.bugs.accesses import WILD_ACCESSES
from tests.seeded.bugs.arguments import REFUSALS
from tests.seeded.bugs.machine import MACHINE
from tests.seeded.bugs.memory import ADDRESSES, DISAGREEMENT, INVALID_PAGES, TABLES
from tests.seeded.bugs.results import RESULTS
from tests.seeded.bugs.rows import BYTES, WRONG_ROWS

BUGS = [
    *WRONG_ROWS,
    *BYTES,
    *TABLES,
    *INVALID_PAGES,
    *ADDRESSES,
    *DISAGREEMENT,
    *RESULTS,
    *REFUSALS,
    *MACHINE,
    *WILD_ACCESSES,
]

WILD = frozenset(bug.name for bug in [*TABLES, *INVALID_PAGES, *ADDRESSES, *DISAGREEMENT, *WILD_ACCESSES])
"""Bugs that may touch memory outside the call's: they are planted on the interpreter, which outlives and sees them."""
