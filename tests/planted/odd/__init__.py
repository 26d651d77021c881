"""Odd implementations, and what the gate is to say of every one of them on the CPU.

What examined code does wrong is a finding. What cannot be examined is undecided, in one sentence that says what was
expected. What the contract does not forbid, such as printing, changes nothing.
"""

from dataclasses import dataclass, field
from pathlib import Path

from tests.planted.bugs.bug import BASE
from tests.planted.edits import Change
from tests.planted.odd import styles

CLEAN = "CLEAN"
FINDINGS = "FINDINGS"
UNDECIDED = "UNDECIDED"
EXIT_CODES = {CLEAN: 0, FINDINGS: 1, UNDECIDED: 2}

FEW = ("lengths/page", "lengths/page-plus-one", "batches/3")
OF_GEOMETRIES = ("lengths/page", "geometries/page-1", "geometries/page-7", "bad-arguments/page-size-zero")
OF_STATE = ("state/lengths", "state/many-calls")
FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Odd:
    """An implementation, and the verdict on it."""

    file: str
    """In this folder, with the name of an object behind a colon if it is one that gathers."""
    contract: str
    """What it promises."""
    verdict: str = CLEAN
    says: str = ""
    """Pattern of words that the last line holds."""
    rules: tuple[int, ...] = ()
    """Those that findings cite."""
    cases: tuple[str, ...] = FEW
    """Few, on which it shows."""
    edits: dict[str, str] = field(default_factory=dict)
    """Of the planted gather, where they make the file."""
    is_default: bool = False
    """Whether it is tried without `--long`, too: it takes seconds, and no other one shows about the same."""
    is_slow: bool = False
    """Whether the interpreter takes too long for the whole catalogue."""

    @property
    def name(self) -> str:
        """What tests and readers call it."""
        return self.file.replace(".py", "")

    def placed(self, folder: Path) -> str:
        """Return what `--impl` is to name, once it is written to a folder if edits make it."""
        if not self.edits:
            return str(FOLDER / self.file)
        text = Change(name=self.name, path=BASE, edits=self.edits).source()
        (folder / self.file.partition(":")[0]).write_text(text, encoding="utf-8")
        return str(folder / self.file)


RIGHT = (
    Odd("autotuned.py", "safe", edits=styles.AUTOTUNED),
    Odd("heuristics.py", "strict", edits=styles.HEURISTICS),
    Odd("made_descriptors.py", "safe", edits=styles.MADE_DESCRIPTORS),
    Odd("host_descriptors.py", "safe", edits=styles.HOST_DESCRIPTORS),
    Odd("block_pointers.py", "strict", edits=styles.BLOCK_POINTERS),
    Odd("device_guard.py", "strict", edits=styles.DEVICE_GUARD, is_default=True),
    Odd("asserts_cuda.py", "trusting", edits=styles.ASSERTS_CUDA),
    Odd("persistent.py", "strict", edits=styles.PERSISTENT),
    Odd("custom_op.py", "trusting", edits=styles.CUSTOM_OP),
    Odd("module.py:Gather", "strict", edits=styles.MODULE),
    Odd("scalar_loop.py", "strict", cases=("lengths/two-tokens", "batches/0"), edits=styles.SCALAR_LOOP, is_slow=True),
    Odd("inference_mode.py", "strict", edits=styles.INFERENCE_MODE),
    Odd("one_allocation.py", "strict", edits=styles.ONE_ALLOCATION),
    Odd("right/compiled.py", "trusting"),
    Odd("right/numpy_rows.py", "trusting"),
    Odd("right/keywords.py", "strict"),
    Odd("right/neighbour_in_function.py", "strict"),
)
"""None of these is to be found guilty, nor undecided."""

WRONG = (
    # It breaks off.
    Odd("wrong.py:skips", "trusting", FINDINGS, rules=(4,), is_default=True),
    Odd("wrong.py:xfails", "trusting", FINDINGS, rules=(4,)),
    Odd("wrong.py:ends_session", "trusting", FINDINGS, rules=(4,)),
    Odd("wrong.py:exits", "trusting", FINDINGS, rules=(4,)),
    Odd("wrong.py:ends_process", "trusting", FINDINGS, rules=(4,)),
    Odd("wrong.py:interrupts", "trusting", FINDINGS, rules=(4,)),
    Odd("wrong.py:raises_base", "trusting", FINDINGS, rules=(4,)),
    Odd("wrong.py:recurses", "trusting", FINDINGS, rules=(4,)),
    Odd("wrong.py:returns_coroutine", "trusting", FINDINGS, rules=(6,)),
    Odd("wrong.py:hangs", "trusting", FINDINGS, rules=(4,), cases=FEW[:2]),
    Odd("wrong.py:forks", "trusting", FINDINGS, rules=(4,)),
    # It leaves something behind.
    Odd("wrong.py:changes_dtype", "trusting", FINDINGS, rules=(7,), cases=OF_STATE),
    Odd("wrong.py:keeps_results", "trusting", FINDINGS, rules=(7,), cases=OF_STATE),
    Odd("wrong.py:leaves_thread", "trusting"),
    Odd("wrong.py:moves_about", "trusting"),
    Odd("wrong.py:empties_environment", "trusting", UNDECIDED, "TRITON_INTERPRET=1"),
    Odd("wrong.py:ignores_signals", "trusting"),
    # It prints, or takes the outputs away.
    Odd("wrong.py:prints_much", "trusting"),
    Odd("wrong.py:prints_commands", "trusting"),
    Odd("at_import/prints.py", "trusting"),
    Odd("wrong.py:closes_outputs", "trusting"),
    # It refuses.
    Odd("wrong.py:refuses_everything", "safe", FINDINGS, rules=(4,), cases=OF_GEOMETRIES),
    Odd("wrong.py:refuses_geometries", "safe", says="2 refused .all of geometries.", cases=OF_GEOMETRIES),
    # It cannot be examined, here or anywhere.
    Odd("wrong.py:allocates_too_much", "trusting", UNDECIDED, "out of memory in get_k_and_s"),
    Odd("wrong.py:allocates_on_cuda", "trusting", UNDECIDED, "needs a GPU: .*: 3 cases"),
    Odd(
        "wrong.py:lacks_package",
        "trusting",
        UNDECIDED,
        r"every call raised ModuleNotFoundError: No module named .* \(wrong.py line \d+\): expected",
    ),
    Odd("wrong.py:lacks_neighbour", "trusting", UNDECIDED, "every call raised ImportError: .*: expected"),
    Odd(
        "wrong.py:takes_three", "trusting", UNDECIDED, "3 positional .* but 7 were given .*: expected", is_default=True
    ),
    Odd("at_import/raises.py", "trusting", UNDECIDED, "importing it failed: it raised RuntimeError: not today"),
    Odd("at_import/skips.py", "trusting", UNDECIDED, "importing it failed: it raised Skipped: not today"),
    Odd("at_import/exits.py", "trusting", UNDECIDED, "importing it failed: it raised SystemExit: 0", is_default=True),
    Odd("at_import/ends_process.py", "trusting", UNDECIDED, "its import: the process exited with status 0"),
)
