"""Are gathers of other signatures called as they declare, and only for what is theirs blamed?"""

from dataclasses import replace

import pytest
import torch

import kernels
from kernels.peers import torch_indexing
from kernels.peers.foreign import Constant, Foreign, NotPrepared, foreign_in
from kernels.peers.words import SEVEN
from tests.calls.implementations import Implementation
from tests.cases.bad_arguments import CASES as BAD
from tests.cases.case import Case, family
from tests.contract import Contract
from tests.examine.asked import NotAsked, require_asked
from tests.examine.examination import examine

PAGE, DIM, LENGTHS = 16, 8, (20, 0, 33)
LANES, SCALE_LANES = torch.arange(DIM), torch.arange(4)


def seven():
    torch.manual_seed(1)
    pool = torch.randint(256, (9, PAGE * (DIM + 4)), dtype=torch.uint8)
    table = torch.randint(9, (3, 4), dtype=torch.int32)
    return pool, table, torch.tensor(LENGTHS), sum(LENGTHS), max(LENGTHS), PAGE, DIM


def cp_gather(kv_cache, dst_k, dst_scale, block_table, cu_seq_lens):
    """vLLM's signature."""
    size, lens = kv_cache.shape[1], cu_seq_lens.diff()
    pool = kv_cache.reshape(kv_cache.shape[0], -1)
    k, s = torch_indexing.get_k_and_s(pool, block_table.long(), lens, 0, 0, size, dst_k.shape[1])
    dst_k.copy_(k)
    dst_scale.copy_(s.view(dst_scale.dtype))


def gather_k_cache(k_cache, slots_k, slots_s, start, end, head_dim):
    """TensorRT-LLM's: byte offsets of each row, and fp8 and fp32 results."""
    flat = k_cache.reshape(-1)
    k, s = flat[slots_k[start:end, None] + LANES[:head_dim]], flat[slots_s[start:end, None] + SCALE_LANES]
    return k.view(torch.float8_e4m3fn), s.view(torch.float32)


def extract(buffer, mem_index):
    """LightLLM's: a pool of tokens, K before its scale, and a flat list of scales."""
    rows = buffer[mem_index, 0]
    return rows[:, :DIM].contiguous().view(torch.float8_e4m3fn), rows[:, DIM:].contiguous().view(torch.float32)[:, 0]


def one_sequence(buf, pages, length, page_size, index_head_dim):
    """SGLang 0.5.9's: a call is about one sequence."""
    lens = torch.tensor([length])
    return torch_indexing.get_k_and_s(buf, pages[None], lens, length, length, page_size, index_head_dim)


def in_lists(*arguments):
    k, s = torch_indexing.get_k_and_s(*arguments)
    return list(s.split(LENGTHS)), list(k.split(LENGTHS))


ADAPTED = {
    "vllm": Foreign(cp_gather, "pages", "k", "s", "page_indices", "cu_seq_lens"),
    "vllm fp32": Foreign(cp_gather, "pages", "k_zeros", "s:fp32", "page_indices", cu_seq_lens="cu_seq_lens:int64"),
    "tensorrt_llm": Foreign(gather_k_cache, "buf", "k_bytes", "s_bytes", 0, "seq_len_sum", "index_head_dim"),
    "one sequence": Foreign(
        one_sequence, "buf", "pages_of_sequence", "seq_len", "page_size", "index_head_dim", one_sequence=True
    ),
    "lists": Foreign(in_lists, *SEVEN, returns=("s", "k")),
}


@pytest.mark.parametrize("name", ADAPTED)
def test_a_foreign_gather_gives_the_rows_of_the_contract(name):
    k, s = ADAPTED[name](*seven())
    right_k, right_s = torch_indexing.get_k_and_s(*seven())
    assert torch.equal(k, right_k)
    assert torch.equal(s, right_s)


def test_a_pool_of_tokens():
    pool = torch.randint(256, (40, DIM + 4), dtype=torch.uint8)
    arguments = (pool, torch.arange(39, -1, -1).reshape(2, 20), torch.tensor([3, 20]), 23, 20, 1, DIM)
    k, s = Foreign(extract, "tokens", "slots")(*arguments)
    right_k, right_s = torch_indexing.get_k_and_s(*arguments)
    assert torch.equal(k, right_k)
    assert torch.equal(s, right_s)


def test_parts_alone():
    gather = Foreign(lambda *of: torch_indexing.get_s(*of), *SEVEN, returns=("s",))
    assert torch.equal(gather(*seven()), torch_indexing.get_s(*seven()))


@pytest.mark.parametrize("word", ["nothing", "k:fp9", "seq_lens:int32:x"])
def test_what_is_no_word_is_refused(word):
    with pytest.raises(ValueError, match=word.split(":")[-1]):
        Foreign(extract, word)


def test_texts_that_are_no_words_are_constants():
    told: dict[str, object] = {}
    Foreign(told.update, text=Constant("k"), number=3, flag=True)(*seven())
    assert told == {"text": "k", "number": 3, "flag": True}


def test_what_cannot_be_prepared_is_no_call():
    with pytest.raises(NotPrepared, match="unflatten"):
        ADAPTED["vllm"](*[seven()[0][:, :-1], *seven()[1:]])


def examined(function, contract, device="cpu", **row):
    (case,) = family("foreign", [Case(name="case", **{"rules": (4,), "seq_lens": (70, 5), **row})])
    implementation = Implementation("foreign", {"get_k_and_s": function})
    return examine(implementation, case, contract=contract, device=torch.device(device))


def own_behind_another(cu_seq_lens, token_to_seq, slots, *arguments):
    return kernels.get_k_and_s(*arguments)


def and_a_copy(*arguments):
    k, s = own_behind_another(*arguments)
    return k.clone(), s


def test_what_is_prepared_is_not_counted(device):
    words = ("cu_seq_lens", "token_to_seq", "slots", *SEVEN)
    assert examined(Foreign(own_behind_another, *words), Contract.STRICT, device).findings == ()
    (found,) = examined(Foreign(and_a_copy, *words), Contract.STRICT, device).findings
    assert (found.rule, found.details["launches"]) == (16, 2)


def test_rows_of_another_width_are_handed_on_as_the_gather_gave_them():
    wide, scales = torch.zeros(3, 2 * DIM, dtype=torch.uint8), torch.zeros(3, 4, dtype=torch.uint8)
    k, s = Foreign(lambda *arguments: ([wide, wide], [scales, scales]), *SEVEN)(*seven())
    assert (k.shape, s.shape) == ((6, 2 * DIM), (6, 4))


def test_a_launch_a_sequence_is_what_one_sequence_means():
    found = examined(ADAPTED["one sequence"], Contract.TRUSTING)
    assert (found.findings, found.right) == ((), ("get_k_and_s",))


@pytest.mark.parametrize(
    ("name", "row", "why"),
    [
        ("vllm", {"lens_layout": "every_other", "rules": (10,)}, "not given seq_lens as it is"),
        ("tensorrt_llm", {"table_layout": "transposed", "rules": (10,)}, "not given page_indices as it is"),
        ("tensorrt_llm", {"tail": "huge", "rules": (5,)}, "given no page table"),
        ("tensorrt_llm", {"page_at": {(0, 0): 2**57}, "rules": (11,)}, "which cannot hold such a page"),
        ("tensorrt_llm", {"device_seq_lens": (99, 5), "rules": (13,)}, "is given no lengths"),
        ("one sequence", {"device_seq_lens": (99, 5), "rules": (13,)}, "for one sequence"),
        ("vllm", {"max_seq_len_error": -5, "rules": (13,)}, "not given max_seq_len"),
    ],
)
def test_cases_whose_point_is_not_handed_on_are_not_asked(name, row, why):
    told = examined(ADAPTED[name], Contract.SAFE, **row)
    assert told.findings == ()
    assert told.undecided is None
    assert why in str(told.not_run)


def test_a_cast_to_the_dtype_that_a_table_has_hands_it_on():
    cast = Foreign(cp_gather, "pages", "k", "s", "page_indices:int32", "cu_seq_lens")
    transposed = Case(name="case", rules=(10,), seq_lens=(70, 5), table_layout="transposed")
    require_asked(cast, transposed)
    with pytest.raises(NotAsked, match="page_indices"):
        require_asked(cast, replace(transposed, table_dtype="int64"))


def test_of_bad_arguments_those_that_are_handed_on_are_asked():
    def asked(name):
        of = []
        for case in BAD:
            try:
                require_asked(ADAPTED[name], case)
            except NotAsked:
                continue
            assert case.bad is not None
            of.append(case.bad.names[0])
        return set(of)

    assert asked("vllm") == {"page_indices"}
    assert asked("tensorrt_llm") == {"buf", "seq_len_sum", "index_head_dim"}


def test_a_refusal_may_name_the_other_signatures_argument():
    assert ADAPTED["vllm"].parameters_for("page_indices") == ["block_table"]
    assert foreign_in(ADAPTED["vllm"]) is ADAPTED["vllm"]
    assert foreign_in(cp_gather) is None
