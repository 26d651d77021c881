"""Figures of cost: names, baseline, comparison, and reading machine code. Pure, but for a file."""

import json
from dataclasses import replace

import pytest

from ci import options
from ci.cost import baseline, tables
from ci.cost.baseline import Group
from ci.cost.comparison import Change, CostVerdict, compare
from ci.cost.figures import COMPILED, COUNTED, DEPENDS_ON, assemble
from tests.calls.errors import Foreseen
from tests.instruments.cost.machine_code import CannotRead, amd_figures, nvidia_figures, ptx_moves

VARIANTS = [{"name": "kernel", "backend": "cuda"}, {"name": "kernel", "backend": "hip"}]
VERSIONS = {"python": "3.11.7", "torch": "2.13.0", "triton": "3.7.1"}
HOST = {
    "calls": [{"workload": "small", "function": "get_k", "figures": {"bytecodes": 268}}],
    "uncounted": [{"workload": "small", "function": "get_s", "reason": "RuntimeError: no GPU"}],
}
FIGURES = {"code bytes": 512, "registers": 32, "spill bytes": 0, "shared bytes": 0, "loads of 16 bytes": 4}


def counted(**changes):
    figures = {"launches": 1, "programs": 64, "torch operations": 0, "bytes read of buf": 1_000}
    calls = [
        {"workload": workload, "function": "get_k", "figures": figures, "least": {}, "launches": [[0, 1]]}
        for workload in ("small", "large")
    ]
    growing = {"get_k": {"variants": 2, "differ": ""}}
    lists = {"variants": VARIANTS, "not_taken": [], "refused": [], "failed": []}
    return {"versions": VERSIONS, "calls": calls, "growing": growing, **lists, **changes}


def compiled(**changes):
    return [
        {"compiled": 0, "target": "sm_90", "figures": {**FIGURES, **changes}},
        {"compiled": 1, "target": "gfx942", "figures": FIGURES},
    ]


def assembled(of_calls, of_code, host=HOST):
    return assemble("own", of_calls, of_code, host)


def other_versions(measured, **versions):
    return replace(measured, versions={**VERSIONS, **versions})


MEASURED = assembled(counted(), compiled())
ACCEPTED = {
    name: Group({of: VERSIONS[of] for of in DEPENDS_ON[name]}, figures) for name, figures in MEASURED.figures().items()
}


def test_calls_that_launch_the_same_code_share_its_figures():
    figures = MEASURED.figures()
    assert [code.name for code in MEASURED.codes] == ["get_k of small / kernel"]
    assert figures[COMPILED]["large / get_k / code"] == "get_k of small / kernel"
    assert figures[COMPILED]["get_k of small / kernel / sm_90 / registers"] == 32
    assert figures[COMPILED]["get_k of small / kernel / gfx942 / code bytes"] == 512
    assert figures[COUNTED]["large / get_k / programs"] == 64
    assert figures[COUNTED]["growing requests / get_k / variants"] == 2


def test_two_variants_of_one_kernel_in_a_call_have_names_of_their_own():
    call = {"workload": "small", "function": "get_k", "figures": {}, "least": {}, "launches": [[0], [1]]}
    measured = assembled(counted(calls=[call]), compiled())
    assert [code.name for code in measured.codes] == ["get_k of small / kernel", "get_k of small / kernel (2)"]


def test_the_same_figures_are_the_same():
    result = compare(MEASURED, ACCEPTED)
    assert (result.verdict, result.verdict.decision, result.changes) == (CostVerdict.SAME, 0, ())
    assert result.compared == sum(len(group.figures) for group in ACCEPTED.values())


@pytest.mark.parametrize("now", [8, 2])
def test_a_change_in_either_direction_is_told_with_both_figures(now):
    result = compare(assembled(counted(), compiled(**{"loads of 16 bytes": now})), ACCEPTED)
    assert result.verdict.decision == 1
    assert [str(change) for change in result.changes] == [
        f"get_k of small / kernel / sm_90 / loads of 16 bytes: was 4, is {now}"
    ]


def test_a_figure_that_comes_or_goes_is_a_change():
    more = compare(assembled(counted(), compiled(**{"loads of 1 bytes": 64})), ACCEPTED)
    assert more.changes == [Change("get_k of small / kernel / sm_90 / loads of 1 bytes", None, 64)]
    fewer = compare(assembled(counted(growing={}), compiled()), ACCEPTED)
    assert str(fewer.changes[0]) == "growing requests / get_k / variants: was 2, is none"


def test_another_triton_version_leaves_machine_code_alone_and_says_so():
    other = other_versions(assembled(counted(), compiled(registers=40)), triton="3.8.0")
    result = compare(other, ACCEPTED)
    assert result.verdict is CostVerdict.SAME
    assert "compiled figures do not apply: they were accepted with triton 3.7.1, this is triton 3.8.0" in (
        result.not_applicable
    )
    assert result.compared == len(ACCEPTED[COUNTED].figures)


def test_another_triton_version_does_not_excuse_what_the_interpreter_counts():
    figures = {"launches": 2, "programs": 64, "torch operations": 0, "bytes read of buf": 1_000}
    calls = [{**call, "figures": figures} for call in counted()["calls"]]
    result = compare(other_versions(assembled(counted(calls=calls), compiled()), triton="3.8.0"), ACCEPTED)
    assert [str(change) for change in result.changes] == [
        "large / get_k / launches: was 1, is 2",
        "small / get_k / launches: was 1, is 2",
    ]


def test_what_a_call_costs_the_host_is_compared_under_the_same_python_alone():
    dearer = {**HOST, "calls": [{"workload": "small", "function": "get_k", "figures": {"bytecodes": 270}}]}
    measured = assembled(counted(), compiled(), dearer)
    assert [str(change) for change in compare(measured, ACCEPTED).changes] == [
        "small / get_k / host bytecodes: was 268, is 270"
    ]
    result = compare(other_versions(measured, python="3.13.1"), ACCEPTED)
    assert result.verdict is CostVerdict.SAME
    assert result.not_applicable.endswith("accepted with python 3.11.7, this is python 3.13.1")


def test_what_needs_more_of_a_gpu_than_is_pretended_is_told():
    assert MEASURED.notes == ["small, get_s, host: RuntimeError: no GPU"]
    assert not MEASURED.troubles


def test_without_a_baseline_nothing_is_compared():
    result = compare(MEASURED, None)
    assert (result.verdict, result.verdict.decision, result.compared) == (CostVerdict.NOT_COMPARED, 0, 0)


def test_what_could_not_be_counted_is_undecided_and_no_change():
    failed = [{"workload": "large", "function": "get_k", "reason": "ValueError: no"}]
    fewer = assembled(counted(calls=counted()["calls"][:1], failed=failed), compiled())
    assert fewer.troubles == ["large, get_k: ValueError: no"]
    assert (compare(fewer, ACCEPTED).verdict, compare(fewer, ACCEPTED).changes) == (CostVerdict.UNDECIDED, ())
    assert compare(fewer, None).verdict is CostVerdict.UNDECIDED


def test_what_does_not_compile_is_undecided_and_no_change():
    messages = [compiled()[0], {"compiled": 1, "target": "gfx942", "reason": "kernel for gfx942: no"}]
    result = compare(assembled(counted(), messages), ACCEPTED)
    assert (result.verdict, result.verdict.decision, result.changes) == (CostVerdict.UNDECIDED, 2, ())


def test_a_constant_that_cannot_travel_is_told():
    variants = [{"name": "kernel", "backend": "cuda", "reason": "a constant of type object"}, VARIANTS[1]]
    measured = assembled(counted(variants=variants), compiled()[1:])
    assert measured.troubles == ["kernel: a constant of type object"]


def test_a_baseline_is_a_sorted_line_a_figure(tmp_path):
    path = tmp_path / "baseline.json"
    baseline.accept(MEASURED, path)
    lines = path.read_text().splitlines()
    for figures in MEASURED.figures().values():
        for name, value in figures.items():
            assert sum(f"{json.dumps(name)}: {json.dumps(value)}" in line for line in lines) == 1
    named = [line for line in lines if " / get_k / " in line and "code" not in line]
    assert named == sorted(named)
    assert [line.strip(" ,") for line in lines if "3.7.1" in line] == 2 * ['"triton": "3.7.1"']
    assert baseline.read("own", path) == ACCEPTED


def test_accepting_changes_one_implementation(tmp_path):
    path = tmp_path / "baseline.json"
    baseline.accept(MEASURED, path)
    baseline.accept(other_versions(replace(MEASURED, implementation="sglang"), triton="3.6.0"), path)
    assert baseline.read("own", path) == ACCEPTED
    other = baseline.read("sglang", path)
    assert other is not None
    assert other[COMPILED].versions == {"triton": "3.6.0"}
    assert baseline.read("torch", path) is None


@pytest.mark.parametrize("content", ["not JSON", "[]", '{"own": {"counted": {}}}', '{"own": 3}'])
def test_a_spoilt_baseline_is_refused(tmp_path, content):
    path = tmp_path / "baseline.json"
    path.write_text(content)
    with pytest.raises(Foreseen, match=str(path)):
        baseline.read("own", path)


def test_the_projects_kernels_compile_few_variants():
    accepted = baseline.read("own")
    assert accepted is not None
    variants = {name: value for name, value in accepted[COUNTED].figures.items() if name.endswith("/ variants")}
    assert len(variants) == 3
    assert all(isinstance(value, int) and value <= 8 for value in variants.values()), variants


def test_tables_show_multiples_and_widths():
    call = {**counted()["calls"][0], "least": {"bytes read of buf": 500}}
    measured = assembled(counted(calls=[call]), compiled(**{"loads of 4 bytes": 1}))
    assert "1,000 (2)" in [str(cell) for cell in tables.of_calls(measured).columns[7]._cells]
    assert "16x4 4x1" in [str(cell) for cell in tables.of_code(measured).columns[7]._cells]


SASS = """
 Function kernel:
  REG:40 STACK:16 SHARED:0 LOCAL:8 CONSTANT[0]:472 TEXTURE:0 SURFACE:0 SAMPLER:0
        /*0000*/                   LDC R1, c[0x0][0x28] ;                        /* 0x00000a00ff017b82 */
                                                                                 /* 0x000e300000000800 */
        /*0010*/              @!P0 LDG.E.U8 R4, desc[UR4][R2.64] ;               /* 0x0000000402047981 */
        /*0020*/              @UP1 LDG.E.128.CONSTANT R8, desc[UR4][R2.64] ;     /* 0x0000000402047981 */
        /*0030*/                   LDG.E R8, desc[UR4][R2.64] ;                  /* 0x0000000402047981 */
        /*0040*/                   LDG.E.ENL2.256 R8, R12, desc[UR4][R2.64] ;    /* 0x0000000402047981 */
        /*0050*/                   LDGSTS.E.BYPASS.128 [R7], desc[UR4][R2.64] ;  /* 0x0000000402047981 */
        /*0060*/                   STG.E.64 desc[UR4][R2.64], R4 ;               /* 0x0000000402047981 */
        /*0070*/                   STG.E.U16 desc[UR4][R2.64], R4 ;              /* 0x0000000402047981 */
        /*0080*/                   STL.64 [R1], R4 ;                             /* 0x0000000402047981 */
        /*0090*/                   UBLKCP.S.G [UR8], [UR4], UR6 ;                /* 0x0000000402047981 */
        /*00a0*/                   EXIT ;                                        /* 0x0000000402047981 */
"""


def test_reading_nvidias_machine_code():
    assert nvidia_figures(SASS) == {
        "code bytes": 0xB0,
        "registers": 40,
        "spill bytes": 24,
        "loads of 1 bytes": 1,
        "loads of 4 bytes": 1,
        "loads of 16 bytes": 2,
        "loads of 32 bytes": 1,
        "stores of 2 bytes": 1,
        "stores of 8 bytes": 1,
        "bulk copies": 1,
    }


PTX = """
	ld.param.b64 	%rd1, [kernel_param_0];
	@%p1 ld.global.b32 { %r1 }, [ %rd1 + 0 ];
	@%p1 ld.global.L1::evict_first.v4.b32 { %r1, %r2, %r3, %r4 }, [ %rd1 + 0 ];
	ld.global.nc.v2.u64 	{%rd2, %rd3}, [%rd1];
	ld.relaxed.gpu.global.u8 	%rs1, [%rd1];
	st.global.L1::evict_last.L2::cache_hint.v8.b32 [ %rd1 + 0 ], { %r1, %r2 }, %rd9;
	st.shared.b32 	[%r1], %r2;
	@%p1 st.global.b16 [ %rd1 + 0 ], { %rs1 };
	cp.async.cg.shared.global [ %r1 + 0 ], [ %rd1 + 0 ], 0x10, %r2;
	cp.async.commit_group;
	@%p1 cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%r1], [%rd1, {%r2, %r3}], [%r4];
	cp.async.bulk.commit_group;
	cp.async.bulk.wait_group.read 0;
"""


def test_reading_ptx():
    assert ptx_moves(PTX) == {
        "loads of 4 bytes": 1,
        "loads of 16 bytes": 3,
        "loads of 1 bytes": 1,
        "stores of 32 bytes": 1,
        "stores of 2 bytes": 1,
        "bulk copies": 1,
    }


GCN = """
	global_load_dwordx4 v[4:7], v[2:3], off
	buffer_load_dword v8, v9, s[4:7], 0 offen
	global_load_ubyte v8, v9, s[4:5]
	global_load_sbyte_d16_hi v8, v9, s[4:5]
	s_load_dwordx2 s[0:1], s[2:3], 0x0
	buffer_store_short v8, v9, s[4:7], 0 offen
	global_store_b128 v[2:3], v[4:7], off
; codeLenInByte = 1456
    .private_segment_fixed_size: 12
    .vgpr_count:     36
"""


def test_reading_amds_assembly():
    assert amd_figures(GCN) == {
        "code bytes": 1456,
        "registers": 36,
        "spill bytes": 12,
        "loads of 16 bytes": 1,
        "loads of 4 bytes": 1,
        "loads of 1 bytes": 2,
        "stores of 2 bytes": 1,
        "stores of 16 bytes": 1,
    }


def test_a_listing_that_tells_nothing_is_refused():
    for read in (nvidia_figures, amd_figures):
        with pytest.raises(CannotRead):
            read("")


@pytest.mark.parametrize("arguments", [["--case", "x/*"], ["--list"], ["--quick"]])
def test_options_that_would_be_ignored_are_refused(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        options.parse(["cost", *arguments])
    assert stopped.value.code == 2
    assert arguments[0] in capsys.readouterr().err


def test_options_of_a_count():
    _, parsed = options.parse(["cost", "--impl", "sglang", "--accept"])
    assert (parsed.accept_cost, parsed.implementation) == (True, "sglang")
