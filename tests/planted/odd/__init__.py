"""Odd implementations, a file each, and what the gate is to say of every one of them on the CPU.

What examined code does wrong is a finding. What cannot be examined is undecided, in one sentence that says what was
expected. What the contract does not forbid, such as printing, changes nothing.
"""

from dataclasses import dataclass

CLEAN = "CLEAN"
FINDINGS = "FINDINGS"
UNDECIDED = "UNDECIDED"
EXIT_CODES = {CLEAN: 0, FINDINGS: 1, UNDECIDED: 2}

FEW = ("lengths/page", "lengths/page-plus-one", "batches/3")
OF_GEOMETRIES = ("lengths/page", "geometries/page-1", "geometries/page-7", "bad-arguments/page-size-zero")
OF_STATE = ("state/lengths", "state/many-calls")


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
    is_long: bool = False
    """Whether it takes minutes, or another one shows about the same."""
    is_slow: bool = False
    """Whether the interpreter takes too long for the whole catalogue."""

    @property
    def name(self) -> str:
        """What tests and readers call it."""
        return self.file.partition(".")[0]


RIGHT = (
    Odd("right/autotuned.py", "safe", is_long=True),
    Odd("right/heuristics.py", "strict", is_long=True),
    Odd("right/made_descriptors.py", "safe", is_long=True),
    Odd("right/host_descriptors.py", "safe", is_long=True),
    Odd("right/block_pointers.py", "strict", is_long=True),
    Odd("right/device_guard.py", "strict"),
    Odd("right/asserts_cuda.py", "strict", is_long=True),
    Odd("right/persistent.py", "strict", is_long=True),
    Odd("right/compiled.py", "trusting", is_long=True),
    Odd("right/custom_op.py", "trusting", is_long=True),
    Odd("right/module.py:Gather", "strict", is_long=True),
    Odd("right/numpy_rows.py", "trusting", is_long=True),
    Odd("right/scalar_loop.py", "strict", cases=("lengths/two-tokens", "batches/0"), is_long=True, is_slow=True),
    Odd("right/keywords.py", "strict", is_long=True),
    Odd("right/neighbour_in_function.py", "strict", is_long=True),
    Odd("right/inference_mode.py", "strict", is_long=True),
    Odd("right/one_allocation.py", "strict", is_long=True),
)
"""None of these is to be found guilty, nor undecided."""

WRONG = (
    # It breaks off.
    Odd("wrong/skips.py", "trusting", FINDINGS, rules=(4,)),
    Odd("wrong/xfails.py", "trusting", FINDINGS, rules=(4,), is_long=True),
    Odd("wrong/ends_session.py", "trusting", FINDINGS, rules=(4,), is_long=True),
    Odd("wrong/exits.py", "trusting", FINDINGS, rules=(4,), is_long=True),
    Odd("wrong/ends_process.py", "trusting", FINDINGS, rules=(4,), is_long=True),
    Odd("wrong/interrupts.py", "trusting", FINDINGS, rules=(4,), is_long=True),
    Odd("wrong/raises_base.py", "trusting", FINDINGS, rules=(4,), is_long=True),
    Odd("wrong/recurses.py", "trusting", FINDINGS, rules=(4,), is_long=True),
    Odd("wrong/returns_coroutine.py", "trusting", FINDINGS, rules=(6,), is_long=True),
    Odd("wrong/hangs.py", "trusting", FINDINGS, rules=(4,), cases=FEW[:2], is_long=True),
    Odd("wrong/forks.py", "trusting", FINDINGS, rules=(4,), is_long=True),
    # It leaves something behind.
    Odd("wrong/changes_dtype.py", "trusting", FINDINGS, rules=(7,), cases=OF_STATE, is_long=True),
    Odd("wrong/keeps_results.py", "trusting", FINDINGS, rules=(7,), cases=OF_STATE, is_long=True),
    Odd("wrong/leaves_thread.py", "trusting", is_long=True),
    Odd("wrong/moves_about.py", "trusting", is_long=True),
    Odd("wrong/empties_environment.py", "trusting", UNDECIDED, "TRITON_INTERPRET=1", is_long=True),
    Odd("wrong/ignores_signals.py", "trusting", is_long=True),
    # It prints, or takes the outputs away.
    Odd("wrong/prints_much.py", "trusting", is_long=True),
    Odd("wrong/prints_commands.py", "trusting", is_long=True),
    Odd("wrong/prints_at_import.py", "trusting", is_long=True),
    Odd("wrong/closes_outputs.py", "trusting", is_long=True),
    # It refuses.
    Odd("wrong/refuses_everything.py", "safe", FINDINGS, rules=(4,), cases=OF_GEOMETRIES, is_long=True),
    Odd("wrong/refuses_geometries.py", "safe", says="2 refused .all of geometries.", cases=OF_GEOMETRIES, is_long=True),
    # It cannot be examined, here or anywhere.
    Odd("wrong/allocates_too_much.py", "trusting", UNDECIDED, "out of memory in get_k_and_s", is_long=True),
    Odd("wrong/allocates_on_cuda.py", "trusting", UNDECIDED, "needs a GPU: .*: 3 cases", is_long=True),
    Odd(
        "wrong/lacks_package.py",
        "trusting",
        UNDECIDED,
        r"every call raised ModuleNotFoundError: No module named .* \(lacks_package.py line 8\): expected",
        is_long=True,
    ),
    Odd("wrong/lacks_neighbour.py", "trusting", UNDECIDED, "every call raised ImportError: .*: expected", is_long=True),
    Odd("wrong/takes_three.py", "trusting", UNDECIDED, "takes 3 positional arguments but 7 were given .*: expected"),
    Odd(
        "wrong/raises_at_import.py",
        "trusting",
        UNDECIDED,
        "importing it failed: it raised RuntimeError: not today",
        is_long=True,
    ),
    Odd(
        "wrong/skips_at_import.py",
        "trusting",
        UNDECIDED,
        "importing it failed: it raised Skipped: not today",
        is_long=True,
    ),
    Odd("wrong/exits_at_import.py", "trusting", UNDECIDED, "importing it failed: it raised SystemExit: 0"),
    Odd(
        "wrong/ends_process_at_import.py",
        "trusting",
        UNDECIDED,
        "its import: the process exited with status 0",
        is_long=True,
    ),
)
