"""What outlives a call: is it seen, and is only that blamed on earlier calls?"""

import random
from dataclasses import replace

import pytest
import torch

from tests.calls.implementations import Implementation, load_implementation
from tests.cases.catalogue import catalogue
from tests.contract import Contract, Rule
from tests.examine.process_state import ProcessState, held_bytes
from tests.planted.bugs.bug import BASE

CASES = {case.id: case for case in catalogue(seed_count=0)}
STATE = [case for case in CASES.values() if case.family == "state"]
CPU = torch.device("cpu")


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in STATE])
def test_a_gather_that_keeps_nothing_is_clean(case, examiner):
    assert examiner.examine(case, load_implementation(str(BASE)), Contract.STRICT).is_clean


@pytest.mark.parametrize("can_be_had_anew", [True, False])
def test_what_is_wrong_without_earlier_calls_is_not_their_doing(can_be_had_anew, tmp_path, examiner, device):
    """A kernel that never knew a page size but 64 has no state: rule 9 is broken, not rule 7."""
    if device == "cuda":
        pytest.skip("a wild bug: the interpreter outlives it")
    source = BASE.read_text(encoding="utf-8").replace(
        "PAGE_SIZE=page_size", "PAGE_SIZE=64 if page_size < 64 else page_size"
    )
    path = tmp_path / "pages_of_64.py"
    path.write_text(source, encoding="utf-8")
    implementation = load_implementation(str(path))
    if not can_be_had_anew:
        implementation = Implementation("installed", implementation.functions)
    findings = examiner.examine(CASES["state/geometries"], implementation, Contract.STRICT).findings
    assert findings
    assert {finding.rule for finding in findings} == {Rule.GEOMETRIES}


def test_the_earlier_call_that_is_seen_is_named(examiner):
    kept: list[torch.Tensor] = []

    def get_s(buf, pages, lens, total, longest, page_size, dim):
        slots = [
            int(pages[b, t // page_size]) * page_size + t % page_size
            for b, length in enumerate(lens.tolist())
            for t in range(length)
        ]
        scales = [buf[s // page_size, page_size * dim + s % page_size * 4 :][:4] for s in slots]
        kept.append(torch.stack(scales) if scales else buf.new_empty((0, 4)))
        return kept[0].clone() if len(kept) == 3 else kept[-1].clone()

    examined = examiner.examine(CASES["state/many-calls"], Implementation("x", {"get_s": get_s}), Contract.SAFE)
    assert {finding.rule for finding in examined.findings} == {Rule.STATE}
    told = "call 3 of 18 is wrong after call 1, whose first 8 rows of S it returned: "
    assert any(finding.message.startswith(told) for finding in examined.findings)


def test_a_loaded_implementation_comes_anew_from_its_file(tmp_path):
    path = tmp_path / "counts.py"
    path.write_text(
        "CALLS = []\ndef get_k(*arguments):\n    CALLS.append(1)\n    return len(CALLS)\n", encoding="utf-8"
    )
    first = load_implementation(str(path))
    assert [first.functions["get_k"](), first.functions["get_k"]()] == [1, 2]
    fresh = first.fresh()
    assert fresh is not None
    assert fresh.functions["get_k"]() == 1
    assert first.functions["get_k"]() == 3
    assert Implementation("kernels", first.functions).fresh() is None


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda: torch.set_default_dtype(torch.float64), "the default dtype from torch.float32 to torch.float64"),
        (lambda: torch.set_grad_enabled(False), "the grad mode from True to False"),
        (lambda: torch.rand(1), "torch's random state"),
        (lambda: random.random(), "Python's random state"),
    ],
)
def test_a_changed_setting_is_told_and_put_back(change, told):
    before = ProcessState(CPU)
    assert before.changed() == []
    change()
    assert before.changed() == [told]
    assert before.changed() == []


def test_bytes_are_those_of_storages_that_live():
    before = held_bytes(CPU)
    kept = torch.empty(1_000, dtype=torch.uint8)
    views = [kept[:10], kept[10:]]
    assert held_bytes(CPU) - before == 1_000
    del kept, views
    assert held_bytes(CPU) == before


@pytest.mark.parametrize("first", ["get_k_and_s", "get_k"])
def test_a_function_that_needs_another_before_it_is_found_where_it_comes_first(first, examiner):
    right = load_implementation(str(BASE)).functions
    was_called = []

    def get_k_and_s(*arguments):
        was_called.append(True)
        return right["get_k_and_s"](*arguments)

    def get_k(*arguments):
        rows = right["get_k"](*arguments)
        return rows if was_called else rows.zero_()

    mine = Implementation("mine", {"get_k_and_s": get_k_and_s, "get_k": get_k})
    case = replace(CASES["lengths/page-plus-one"], first=first)
    found = {(finding.function, finding.rule) for finding in examiner.examine(case, mine, Contract.TRUSTING).findings}
    assert found == ({("get_k", Rule.LENGTHS), ("get_k", Rule.PARTS)} if first == "get_k" else set())


def test_a_setting_that_an_earlier_case_left_is_seen_all_the_same(tmp_path, examiner):
    """A gate examines other cases first, in the same process."""
    gather = load_implementation(str(BASE))

    def get_k(*arguments):
        torch.set_grad_enabled(False)
        random.seed(0)
        return gather.functions["get_k"](*arguments)

    changes = Implementation("changes", {"get_k": get_k})
    before = torch.is_grad_enabled()
    assert examiner.examine(CASES["lengths/page"], changes, Contract.SAFE).is_clean
    assert torch.is_grad_enabled() == before
    told = [finding.message for finding in examiner.examine(CASES["state/lengths"], changes, Contract.SAFE).findings]
    assert {"call 1 changed the grad mode from True to False", "call 1 changed Python's random state"} <= set(told)


class Late(torch.Tensor):
    """A class of examined code, of which an object is left over."""

    @classmethod
    def __torch_function__(cls, *more, **named):
        raise SystemExit("do not look")


def test_what_is_left_of_examined_classes_is_counted_and_not_asked():
    before = held_bytes(CPU)
    with torch._C.DisableTorchFunction():
        left = torch.zeros(1_000, dtype=torch.uint8).as_subclass(Late)
    assert held_bytes(CPU) - before >= 1_000
    del left
