"""The checked interpreter on whole gathers: silent on the correct ones, and on SGLang's it finds what is known."""

import mmap

import pytest
import torch
import triton
from triton.runtime import interpreter

if not triton.knobs.runtime.interpret:
    pytest.skip("the checked interpreter needs TRITON_INTERPRET=1", allow_module_level=True)

from kernels.peers import installed
from tests.calls.implementations import load_implementation
from tests.instruments.checked_interpreter import CheckedInterpreter
from tests.planted import gather
from tests.planted.costs import gather as gather_in_words
from tests.planted.odd import RIGHT

pytestmark = pytest.mark.filterwarnings("ignore:tl.make_block_ptr is deprecated:UserWarning")
needs_block_pointers = pytest.mark.skipif(
    not hasattr(interpreter, "BlockPointerHandle"), reason="this Triton has no block pointers"
)

PAGE_SIZE, HEAD_DIM = 64, 128
PAGE_BYTES = PAGE_SIZE * (HEAD_DIM + 4)
LAZILY = getattr(mmap, "MAP_NORESERVE", 0x4000)
STYLES = [
    "planted",
    "made_descriptors",
    "host_descriptors",
    pytest.param("block_pointers", marks=needs_block_pointers),
]


@pytest.fixture
def gathers(tmp_path):
    """Return the planted gather, or it in another style, by name."""
    placed = {item.name: item.placed(tmp_path) for item in RIGHT if item.edits}

    def of(style):
        if style == "words":
            return gather_in_words.get_k_and_s
        return gather.get_k_and_s if style == "planted" else load_implementation(placed[style]).functions["get_k_and_s"]

    return of


def lazy_pool(num_pages: int) -> torch.Tensor:
    """A pool of zeros that costs memory only where it is written."""
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | LAZILY
    memory = mmap.mmap(-1, num_pages * PAGE_BYTES, flags=flags)
    return torch.frombuffer(memory, dtype=torch.uint8).view(num_pages, PAGE_BYTES)


def gather_case(seq_lens, table_dtype=torch.int32):
    """The seven arguments of a gather with shuffled pages and a table that is -1 past each sequence's end."""
    generator = torch.Generator().manual_seed(7)
    counts = [-(-length // PAGE_SIZE) for length in seq_lens]
    num_pages = sum(counts) + 3
    buf = torch.randint(0, 256, (num_pages, PAGE_BYTES), dtype=torch.uint8, generator=generator)
    pages = torch.randperm(num_pages, generator=generator).to(table_dtype)
    table = torch.full((len(seq_lens), max(counts)), -1, dtype=table_dtype)
    first = 0
    for row, count in enumerate(counts):
        table[row, :count] = pages[first : first + count]
        first += count
    return (buf, table, torch.tensor(seq_lens, dtype=table_dtype), sum(seq_lens), max(seq_lens), PAGE_SIZE, HEAD_DIM)


def expected_gather(buf, table, seq_lens, *_):
    """K and S by plain indexing, rows of zeros for pages outside the pool."""
    keys, scales = [], []
    for row, length in enumerate(seq_lens.tolist()):
        for token in range(length):
            page, slot = int(table[row, token // PAGE_SIZE]), token % PAGE_SIZE
            known = 0 <= page < buf.shape[0]
            source = buf[page] if known else torch.zeros_like(buf[0])
            keys.append(source[slot * HEAD_DIM : (slot + 1) * HEAD_DIM])
            first = PAGE_SIZE * HEAD_DIM + 4 * slot
            scales.append(source[first : first + 4])
    return torch.stack(keys), torch.stack(scales)


def named(args):
    return {"buf": args[0], "page_indices": args[1], "seq_lens": args[2]}


@pytest.mark.parametrize("style", [*STYLES, "words"])
def test_correct_gathers_are_clean(style, gathers):
    args = gather_case([70, 1, 64, 130])
    with CheckedInterpreter().watch(read_only=named(args)) as seen:
        k, s = gathers(style)(*args)
    assert [found.message for found in seen.violations] == []
    assert torch.equal(k, expected_gather(*args)[0])
    assert torch.equal(s, expected_gather(*args)[1])
    assert seen.programs == torch.Size(seen.launches[0][1]).numel()
    # The tokens of a part-filled page may be read with the page, but each result byte is written once.
    written = {name: traffic.bytes_written for name, traffic in seen.traffic.items() if traffic.bytes_written}
    assert written == {"k": k.numel(), "s": s.numel()}
    assert seen.traffic["buf"].bytes_read >= k.numel() + s.numel()


@pytest.mark.parametrize("style", STYLES)
def test_correct_gathers_are_clean_with_bad_pages_and_int64(style, gathers):
    args = gather_case([70, 130], torch.int64)
    args[1][0, 0] = args[0].shape[0]
    args[1][1, 1] = -1
    with CheckedInterpreter().watch(read_only=named(args)) as seen:
        k, s = gathers(style)(*args)
    assert [found.message for found in seen.violations] == []
    assert torch.equal(k, expected_gather(*args)[0])
    assert torch.equal(s, expected_gather(*args)[1])


def test_pool_past_4_gib():
    pages = [599_999, 300_000, 0]
    buf = lazy_pool(600_000)
    for index, page in enumerate(pages):
        buf[page] = torch.arange(PAGE_BYTES).add(index).to(torch.uint8)
    args = (buf, torch.tensor([pages]), torch.tensor([150]), 150, 150, PAGE_SIZE, HEAD_DIM)
    with CheckedInterpreter().watch(read_only=named(args)) as seen:
        k, _ = gather.get_k_and_s(*args)
    assert seen.violations == []
    assert torch.equal(k, expected_gather(*args)[0])


@pytest.fixture(scope="module")
def sglang_gather():
    try:
        return installed.gathers("sglang")["get_k_and_s"]
    except ImportError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize(
    ("page", "kind", "text"),
    [
        (5, "read outside", "past the end of buf"),
        (-1, "read outside", "before the start of buf"),
        (2**31 - 1, "integer wrap", "2147483647 * 8448 was computed in int32"),
    ],
)
def test_sglang_with_a_bad_page(sglang_gather, page, kind, text):
    args = (lazy_pool(5), torch.tensor([[0, page]], dtype=torch.int32), torch.tensor([100]), 100, 100, 64, 128)
    with CheckedInterpreter(undefined_as_zero=True).watch(read_only=named(args)) as seen:
        sglang_gather(*args)
    found = [violation for violation in seen.violations if violation.tensor == "buf"]
    assert {violation.kind for violation in found} == {kind}
    assert all(text in violation.message and violation.source_line > 0 for violation in found)


def test_sglang_past_2_gib_and_its_undefined_lanes(sglang_gather):
    pages = torch.tensor([[0, 299_999]], dtype=torch.int32)
    args = (lazy_pool(300_000), pages, torch.tensor([100]), 100, 100, 64, 128)
    with CheckedInterpreter().watch(read_only=named(args)) as seen:
        sglang_gather(*args)
    found = {(violation.kind, violation.tensor) for violation in seen.violations}
    assert {("integer wrap", "buf"), ("undefined value", "k_out"), ("undefined value", "s_out")} <= found
