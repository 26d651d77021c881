"""Bugs to plant in `tests/planted/gather.py`, each with the rule that must be cited and the cases that must show it.

Most are bugs of real kernels: SGLang's gathers and their kin in vLLM, aiter, FlashInfer, DeepGEMM and others had them.
"""

from tests.planted.bugs.accesses import WILD_ACCESSES
from tests.planted.bugs.arguments import REFUSALS
from tests.planted.bugs.compilation import COMPILATION
from tests.planted.bugs.machine import MACHINE
from tests.planted.bugs.memory import ADDRESSES, DISAGREEMENT, INVALID_PAGES, TABLES
from tests.planted.bugs.results import RESULTS
from tests.planted.bugs.rows import BYTES, WRONG_ROWS
from tests.planted.bugs.state import STATE

BUGS = [
    *WRONG_ROWS,
    *BYTES,
    *TABLES,
    *INVALID_PAGES,
    *ADDRESSES,
    *DISAGREEMENT,
    *RESULTS,
    *STATE,
    *REFUSALS,
    *MACHINE,
    *WILD_ACCESSES,
    *COMPILATION,
]

KEPT = [bug for bug in STATE if bug.name.endswith("of-the-first-call")]
WILD = frozenset(bug.name for bug in [*TABLES, *INVALID_PAGES, *ADDRESSES, *DISAGREEMENT, *KEPT, *WILD_ACCESSES])
"""Bugs that may touch memory outside the call's: they are planted on the interpreter, which outlives and sees them."""
