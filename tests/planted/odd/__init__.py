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
    is_long: bool = False
    """Whether it takes minutes, or another one shows about the same."""
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
    Odd("autotuned.py", "safe", edits=styles.AUTOTUNED, is_long=True),
    Odd("heuristics.py", "strict", edits=styles.HEURISTICS, is_long=True),
    Odd("made_descriptors.py", "safe", edits=styles.MADE_DESCRIPTORS, is_long=True),
    Odd("host_descriptors.py", "safe", edits=styles.HOST_DESCRIPTORS, is_long=True),
    Odd("block_pointers.py", "strict", edits=styles.BLOCK_POINTERS, is_long=True),
    Odd("device_guard.py", "strict", edits=styles.DEVICE_GUARD),
    Odd("asserts_cuda.py", "strict", edits=styles.ASSERTS_CUDA, is_long=True),
    Odd("persistent.py", "strict", edits=styles.PERSISTENT, is_long=True),
    Odd("custom_op.py", "trusting", edits=styles.CUSTOM_OP, is_long=True),
    Odd("module.py:Gather", "strict", edits=styles.MODULE, is_long=True),
    Odd(
        "scalar_loop.py",
        "strict",
        cases=("lengths/two-tokens", "batches/0"),
        edits=styles.SCALAR_LOOP,
        is_long=True,
        is_slow=True,
    ),
    Odd("inference_mode.py", "strict", edits=styles.INFERENCE_MODE, is_long=True),
    Odd("one_allocation.py", "strict", edits=styles.ONE_ALLOCATION, is_long=True),
    Odd("right/compiled.py", "trusting", is_long=True),
    Odd("right/numpy_rows.py", "trusting", is_long=True),
    Odd("right/keywords.py", "strict", is_long=True),
    Odd("right/neighbour_in_function.py", "strict", is_long=True),
)
"""None of these is to be found guilty, nor undecided."""

WRONG = (
    # It breaks off.
    Odd("wrong.py:skips", "trusting", FINDINGS, rules=(4,)),
    Odd("wrong.py:xfails", "trusting", FINDINGS, rules=(4,), is_long=True),
    Odd("wrong.py:ends_session", "trusting", FINDINGS, rules=(4,), is_long=True),
    Odd("wrong.py:exits", "trusting", FINDINGS, rules=(4,), is_long=True),
    Odd("wrong.py:ends_process", "trusting", FINDINGS, rules=(4,), is_long=True),
    Odd("wrong.py:interrupts", "trusting", FINDINGS, rules=(4,), is_long=True),
    Odd("wrong.py:raises_base", "trusting", FINDINGS, rules=(4,), is_long=True),
    Odd("wrong.py:recurses", "trusting", FINDINGS, rules=(4,), is_long=True),
    Odd("wrong.py:returns_coroutine", "trusting", FINDINGS, rules=(6,), is_long=True),
    Odd("wrong.py:hangs", "trusting", FINDINGS, rules=(4,), cases=FEW[:2], is_long=True),
    Odd("wrong.py:forks", "trusting", FINDINGS, rules=(4,), is_long=True),
    # It leaves something behind.
    Odd("wrong.py:changes_dtype", "trusting", FINDINGS, rules=(7,), cases=OF_STATE, is_long=True),
    Odd("wrong.py:keeps_results", "trusting", FINDINGS, rules=(7,), cases=OF_STATE, is_long=True),
    Odd("wrong.py:leaves_thread", "trusting", is_long=True),
    Odd("wrong.py:moves_about", "trusting", is_long=True),
    Odd("wrong.py:empties_environment", "trusting", UNDECIDED, "TRITON_INTERPRET=1", is_long=True),
    Odd("wrong.py:ignores_signals", "trusting", is_long=True),
    # It prints, or takes the outputs away.
    Odd("wrong.py:prints_much", "trusting", is_long=True),
    Odd("wrong.py:prints_commands", "trusting", is_long=True),
    Odd("at_import/prints.py", "trusting", is_long=True),
    Odd("wrong.py:closes_outputs", "trusting", is_long=True),
    # It refuses.
    Odd("wrong.py:refuses_everything", "safe", FINDINGS, rules=(4,), cases=OF_GEOMETRIES, is_long=True),
    Odd("wrong.py:refuses_geometries", "safe", says="2 refused .all of geometries.", cases=OF_GEOMETRIES, is_long=True),
    # It cannot be examined, here or anywhere.
    Odd("wrong.py:allocates_too_much", "trusting", UNDECIDED, "out of memory in get_k_and_s", is_long=True),
    Odd("wrong.py:allocates_on_cuda", "trusting", UNDECIDED, "needs a GPU: .*: 3 cases", is_long=True),
    Odd(
        "wrong.py:lacks_package",
        "trusting",
        UNDECIDED,
        r"every call raised ModuleNotFoundError: No module named .* \(wrong.py line \d+\): expected",
        is_long=True,
    ),
    Odd("wrong.py:lacks_neighbour", "trusting", UNDECIDED, "every call raised ImportError: .*: expected", is_long=True),
    Odd("wrong.py:takes_three", "trusting", UNDECIDED, "takes 3 positional arguments but 7 were given .*: expected"),
    Odd("at_import/raises.py", "trusting", UNDECIDED, "importing it failed: it raised RuntimeError: no", is_long=True),
    Odd("at_import/skips.py", "trusting", UNDECIDED, "importing it failed: it raised Skipped: not today", is_long=True),
    Odd("at_import/exits.py", "trusting", UNDECIDED, "importing it failed: it raised SystemExit: 0"),
    Odd(
        "at_import/ends_process.py", "trusting", UNDECIDED, "its import: the process exited with status 0", is_long=True
    ),
)
