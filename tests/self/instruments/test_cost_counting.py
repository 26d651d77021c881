"""The cost instrument on the interpreter: launches, what Triton would compile for them, bytes, and what grows."""

import pytest
import torch
import triton

if not triton.knobs.runtime.interpret:
    pytest.skip("counting launches needs TRITON_INTERPRET=1", allow_module_level=True)

from tests.cases.case import Case
from tests.cases.cost_workloads import COUNTED
from tests.cases.growth import doubling_requests, growing_requests
from tests.instruments.cost.counting import count_call
from tests.instruments.cost.recording import CannotSpecialise, recorded_launches
from tests.instruments.cost.trace import arguments_of, variants_of_requests, what_differs
from tests.instruments.cost.variants import NotPortable, Variant
from tests.planted.costs import gather
from tests.self.instruments.two_kernels import specialised, unspecialised

CPU = torch.device("cpu")


def variants(kernel, *launches, **options):
    memory = torch.zeros(64, dtype=torch.int64)
    with recorded_launches(execute=False) as recorded:
        for offset, number, size in launches:
            kernel[(2,)](memory[offset:], number, SIZE=size, **options)
    assert not memory.any()
    return [launch.variants[0] for launch in recorded]


@pytest.mark.parametrize(
    ("first", "second", "number_of_variants"),
    [
        ((0, 5, 1), (0, 7, 1), 1),
        ((0, 5, 1), (0, 1, 1), 2),
        ((0, 5, 1), (0, 32, 1), 2),
        ((0, 5, 1), (0, 2**40 + 1, 1), 2),
        ((0, 5, 1), (1, 5, 1), 2),
        ((0, 5, 1), (0, 5, 2), 2),
    ],
)
def test_a_launch_isspecialised_as_triton_does(first, second, number_of_variants):
    assert len(set(variants(specialised, first, second))) == number_of_variants


def test_specialisation_that_is_switched_off_stays_off():
    launches = [(0, 5, 1), (1, 1, 1), (0, 32, 1), (0, 2**40, 1)]
    assert len(set(variants(unspecialised, *launches))) == 1
    assert variants(unspecialised, (0, 5, 1)) != variants(unspecialised, (0, 5, 1), num_warps=8)


def test_a_variant_travels_as_json():
    (variant,) = variants(specialised, (0, 32, 3), num_warps=2)
    again = Variant.from_json(variant.as_json())
    assert again == variant
    assert (again.signature, again.constants) == (variant.signature, variant.constants)
    assert (again.attributes, again.options) == (variant.attributes, {"num_warps": 2})


def test_a_constant_that_cannot_travel_is_refused():
    (variant,) = variants(specialised, (0, 32, 3))
    variant.constants[(2,)] = object()
    with pytest.raises(NotPortable, match="object"):
        variant.as_json()


def test_a_launch_that_triton_does_not_take_is_told():
    with pytest.raises(CannotSpecialise, match="unheard_of"):
        variants(specialised, (0, 5, 1), unheard_of=3)


def test_a_backend_may_refuse_what_another_takes():
    memory = torch.zeros(2, dtype=torch.int64)
    with recorded_launches(backends=("cuda", "hip"), execute=False) as recorded:
        specialised[(2,)](memory, 5, SIZE=1, maxnreg=32)
    assert [variant.backend for variant in recorded[0].variants] == ["cuda"]
    assert "maxnreg" in recorded[0].refusals[0]


def test_launches_are_run_unless_told_otherwise():
    memory = torch.zeros(4, dtype=torch.int64)
    with recorded_launches() as recorded:
        specialised[lambda arguments: (arguments["SIZE"],)](memory, 5, SIZE=3)
    assert memory.tolist() == [8, 8, 8, 0]
    assert (recorded[0].grid, recorded[0].programs) == ((3,), 3)


def test_a_call_is_counted():
    case = Case(name="unequal", rules=(1,), seq_lens=(130, 1), spare_columns=0, family="cost")
    counted = count_call("get_k_and_s", gather.get_k_and_s, case)
    assert counted.figures == {
        "launches": 1,
        "torch operations": 0,
        "waits for the device": 0,
        "programs": 6,
        "idle programs": 2,
        "bytes read of buf": 131 * 132,
        "bytes read of page_indices": 4 * 4,
        "bytes read of seq_lens": 8 * (6 + 1),
        "bytes read of other memory": 0,
        "bytes written": 131 * 132,
    }
    assert counted.least["bytes read of buf"] == 131 * 132
    assert counted.least["bytes read of seq_lens"] == 16


def test_a_call_that_is_not_run_has_launches_and_programs_alone():
    counted = count_call("get_k_and_s", gather.get_k_and_s, COUNTED[0], execute=False)
    assert set(counted.figures) == {"launches", "torch operations", "waits for the device", "programs"}
    assert counted.launches[0].variants


def test_growing_requests_keep_the_contract():
    requests = list(growing_requests(1_000))
    assert len(requests) == 1_000
    for request in [*requests, *doubling_requests("lengths"), *doubling_requests("pools")]:
        assert min(request.seq_lens) >= 1
        assert request.table_width * 64 >= max(request.seq_lens)
        assert request.num_pages >= 1
    first, last = requests[0], requests[-1]
    assert max(last.seq_lens) >= 1 << 20 > max(first.seq_lens)
    assert (len(first.seq_lens), len(last.seq_lens)) == (1, 2_048)
    assert last.table_width > 1_000 * first.table_width
    assert last.num_pages > 1_000 * first.num_pages


@pytest.mark.parametrize("page_size", [1, 2, 16, 48, 64, 512])
@pytest.mark.parametrize("quantity", ["lengths", "batches", "table_widths", "pools"])
def test_doubling_requests_keep_the_contract_on_pages_of_any_size(quantity, page_size):
    case = Case(name="moved", rules=(18,), page_size=page_size)
    for request in doubling_requests(quantity, case):
        assert request.table_width * page_size >= max(request.seq_lens)
        assert request.num_pages >= 1


def test_arguments_of_a_request_have_its_sizes():
    request = list(growing_requests(10))[5]
    buf, table, lengths, total, longest, *_ = arguments_of(request, CPU)
    assert (buf.shape[0], tuple(table.shape)) == (request.num_pages, (len(request.seq_lens), request.table_width))
    assert (lengths.tolist(), total, longest) == (list(request.seq_lens), sum(request.seq_lens), max(request.seq_lens))


def test_what_grows_is_named():
    def call(buf, table, *_):
        specialised[(1,)](table, 5, SIZE=table.shape[1])

    found = variants_of_requests(call, doubling_requests("table_widths"), CPU)
    assert len(found) == 12
    assert what_differs(found) == "specialised: SIZE (12)"
    assert len(variants_of_requests(call, doubling_requests("pools"), CPU)) == 1
