"""Direct launches: Triton's launcher in C gets what Triton itself would give it, and only when that is right."""

from types import SimpleNamespace

import pytest
import torch
import triton
from triton.backends.nvidia.driver import CudaLauncher
from triton.runtime import driver

from kernels import launch
from kernels.direct import launchers_of
from kernels.kernel import gather_kernel
from kernels.launch import Call
from kernels.layout import PageLayout

FUNCTION, PACKED = 77, (2, 1, 0)
GRID, STREAM = (8, 4, 1), 5
POINTERS, AFTER = (101, 102), (3, 64, True)


class Flat:
    """Hands the kernel's arguments on one by one, as in Triton 3.6."""

    global_scratch_size = profile_scratch_size = 0
    launch_pdl = False

    def __init__(self, launch):
        self.launch = launch

    def __call__(self, x, y, z, stream, function, packed, metadata, on_enter, on_exit, *arguments):
        fixed = (False, self.launch_pdl, None, None, packed, metadata, on_enter, on_exit)
        self.launch(x, y, z, stream, function, *fixed, *arguments)


class Nested(Flat):
    """Hands the kernel's arguments on as one, as from Triton 3.7 on."""

    def __call__(self, x, y, z, stream, function, packed, metadata, on_enter, on_exit, *arguments):
        fixed = (False, self.launch_pdl, packed, metadata, on_enter, on_exit, None, None, "annotations")
        self.launch(x, y, z, stream, function, *fixed, arguments)


class Extended(Flat):
    """Adds arguments of its own behind the kernel's."""

    def __call__(self, x, y, z, stream, function, packed, metadata, on_enter, on_exit, *arguments):
        self.launch(x, y, z, stream, function, packed, (*arguments, "more"))


class Computing(Flat):
    """Computes with the grid."""

    def __call__(self, x, y, z, stream, function, packed, metadata, on_enter, on_exit, *arguments):
        self.launch(x * y * z, stream, function, packed, arguments)


class Allocating(Nested):
    """Needs memory of each launch."""

    global_scratch_size = 128


def installed(launch):
    """Return the installed Triton's own launcher, without compiling its C."""
    run = object.__new__(CudaLauncher)
    run.launch = launch
    run.num_ctas = 1
    run.global_scratch_size = run.profile_scratch_size = 0
    run.global_scratch_align = run.profile_scratch_align = 1
    run.launch_cooperative_grid, run.launch_pdl = False, False
    run.arg_annotations, run.kernel_signature, run.gsan_enabled = ["annotations"], b"signature", False
    return run


@pytest.fixture
def launches(monkeypatch):
    """Collect what reaches C."""
    monkeypatch.setattr(driver, "_active", SimpleNamespace())  # newer launchers ask for the driver that is not here
    return []


def direct(run):
    return launchers_of(SimpleNamespace(run=run, function=FUNCTION, packed_metadata=PACKED))


@pytest.mark.parametrize("make", [Flat, Nested, Extended, Computing, Allocating, installed])
def test_c_gets_what_triton_gives_it(make, launches):
    run = make(lambda *arguments: launches.append(arguments))
    eager, behind_gather = direct(run)
    assert behind_gather is None
    assert launches == [], "nothing is launched to find out"
    eager(GRID, STREAM, POINTERS, AFTER)
    run(*GRID, STREAM, FUNCTION, PACKED, None, None, None, *POINTERS, *AFTER)
    shortened, given = launches
    assert shortened == given


@pytest.mark.parametrize(("make", "is_shortened"), [(Flat, True), (Nested, True), (installed, True), (Extended, False)])
def test_triton_s_python_is_left_out_where_its_order_is_known(make, is_shortened, launches, monkeypatch):
    eager, _ = direct(make(lambda *arguments: launches.append(arguments)))
    through_python = []
    of = CudaLauncher if make is installed else make
    monkeypatch.setattr(of, "__call__", lambda *given: through_python.append(given))
    eager(GRID, STREAM, POINTERS, AFTER)
    assert (len(launches), len(through_python)) == ((1, 0) if is_shortened else (0, 1))


@pytest.mark.parametrize("make", [Flat, Nested, installed])
def test_a_launch_may_start_early_only_where_it_is_let(make, launches):
    run = make(lambda *arguments: launches.append(arguments))
    run.launch_pdl = True
    eager, behind_gather = direct(run)
    eager(GRID, STREAM, POINTERS, AFTER)
    behind_gather(GRID, STREAM, POINTERS, AFTER)
    late, early = launches
    assert (late[6], early[6]) == (False, True)
    assert (*late[:6], *late[7:]) == (*early[:6], *early[7:])
    assert run.launch_pdl, "Triton's own launcher stays as it was"


@pytest.mark.parametrize("missing", ["run", "function", "packed_metadata"])
def test_what_triton_hides_is_not_guessed(missing):
    assert direct(Flat(print)) != (None, None)
    parts = {"run": Flat(print), "function": FUNCTION, "packed_metadata": PACKED, missing: None}
    assert launchers_of(SimpleNamespace(**parts)) == (None, None)


def test_amd_launches_through_triton(monkeypatch):
    monkeypatch.setattr(torch.version, "hip", "7.0")
    assert direct(Flat(print)) == (None, None)


class TestWayOfALaunch:
    """Which way a call takes to the GPU, once its code is compiled."""

    @pytest.fixture
    def tensors(self):
        buf = torch.zeros((3, 4 * 12), dtype=torch.uint8)
        return buf, torch.zeros((1, 2), dtype=torch.int32), torch.tensor([5]), buf.new_empty(5, 8), buf.new_empty(5, 4)

    @pytest.fixture
    def ways(self, tensors, monkeypatch):
        """The call, and what was launched how."""
        buf, table, lens, _, _ = tensors
        call = Call(True, True, PageLayout(4, 8), buf, table, lens, 5, 5)
        taken = []
        assert call._aligned is not None
        variant = call._aligned.variant
        monkeypatch.setattr(variant, "eager", lambda *given: taken.append(("eager", given)))
        monkeypatch.setattr(variant, "behind_gather", lambda *given: taken.append(("early", given)))
        monkeypatch.setattr(variant, "compiled", {call._aligned.grid: lambda *given: taken.append(("compiled", given))})
        return call, taken

    @staticmethod
    def _fill(call, tensors):
        buf, table, lens, k, s = tensors
        call.fill(k, s, buf, table, lens)

    @pytest.fixture
    def machine(self, monkeypatch):
        """A driver whose current stream, and whether it is captured behind a gather, can be set."""
        state = SimpleNamespace(stream=0, is_captured=False, is_behind=False)
        monkeypatch.setattr(launch, "is_behind", lambda stream, functions: state.is_behind)
        monkeypatch.setattr(driver, "_active", SimpleNamespace(get_current_stream=lambda device: state.stream))
        monkeypatch.setattr(torch.cuda, "is_current_stream_capturing", lambda: state.is_captured)
        return state

    @pytest.mark.parametrize(
        ("stream", "is_captured", "is_behind", "way"),
        [
            (0, False, False, "eager"),
            (7, False, False, "eager"),
            (7, True, False, "eager"),
            (7, True, True, "early"),
            (0, True, True, "eager"),
        ],
    )
    def test_a_gather_starts_early_only_in_a_capture_behind_another(
        self, ways, tensors, machine, stream, is_captured, is_behind, way
    ):
        call, taken = ways
        machine.stream, machine.is_captured, machine.is_behind = stream, is_captured, is_behind
        self._fill(call, tensors)
        ((taken_way, (grid, on_stream, pointers, after)),) = taken
        buf, table, lens, k, s = tensors
        assert (taken_way, on_stream) == (way, stream)
        assert pointers == tuple(tensor.data_ptr() for tensor in (buf, table, lens, k, s))
        assert (grid, after) == call._aligned[:2]
        assert after[:2] == (3, buf.stride(0))

    @pytest.mark.parametrize("hook", ["launch_enter_hook", "launch_exit_hook"])
    def test_who_listens_to_launches_hears_of_them(self, ways, tensors, machine, hook):
        call, taken = ways

        def listen(metadata):
            """Hear."""

        hooks = getattr(triton.knobs.runtime, hook)
        hooks.add(listen)
        try:
            self._fill(call, tensors)
        finally:
            hooks.remove(listen)
        ((way, given),) = taken
        assert way == "compiled"
        assert all(one is other for one, other in zip(given[:5], tensors, strict=True))

    def test_tensors_that_are_aligned_otherwise_take_other_code(self, ways, tensors, machine, monkeypatch):
        call, taken = ways
        _, table, lens, k, s = tensors
        wide = torch.zeros(3 * 48 + 4, dtype=torch.uint8)
        shifted = wide[4:].view(3, 48)
        assert shifted.data_ptr() % 16 == 4
        launched = []

        class Kernel:
            def __getitem__(self, grid):
                return lambda *given, **options: launched.append(given)

        monkeypatch.setattr(launch, "gather_kernel", Kernel())
        monkeypatch.setattr(launch, "_variants", {})
        call.fill(k, s, shifted, table, lens)
        assert taken == []
        named = dict(zip(gather_kernel.arg_names, launched[0], strict=True))
        assert named["buf_ptr"] is shifted
        assert (named["SOURCE_ALIGNMENT"], named["RESULT_ALIGNMENT"]) == (4, 16)
