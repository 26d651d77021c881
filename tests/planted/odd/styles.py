"""Styles that the project's own kernels have not, as edits of the planted gather: all of them are right.

What a style cannot do, such as pages that no block divides, it refuses.
"""

from textwrap import indent

from tests.planted.bugs.bug import BASE, CHECK, LAUNCH, after_the_check
from tests.planted.bugs.harmless import HARMLESS

_JIT = "@triton.jit\n"
_BLOCK_IS_GIVEN = "            BLOCK=BLOCK,\n"
_LANES_ARE_GIVEN = "            K_BLOCK=triton.next_power_of_2(index_head_dim),\n"
_GRID = "    grid = (seq_len_sum // BLOCK + batch,)\n"
_GRID_OF_A_CHOICE = """\
    def grid(chosen):
        return (seq_len_sum // chosen["BLOCK"] + batch,)
"""
_FUNCTIONS = "\n\ndef get_k_and_s("
_SHAPES = "    batch, max_pages = page_indices.shape\n"
_NO_PAGES = "    if not buf.shape[0]:\n        return k.zero_(), s.zero_()\n"

_PROGRAM = "    program = tl.program_id(0)\n    block = program.to(tl.int64)\n"
_RETURN = "    if block >= tl.sum(blocks, 0):\n        return\n"
_KERNEL = BASE.read_text(encoding="utf-8").split(_PROGRAM)[1].split("\n\n\ndef _run(")[0] + "\n"
"""The kernel's body, behind the number of its block."""

_KEYS_ARE_LOADED = """\
        k_from = buf_ptr + (page_start + slot * HEAD_DIM)[:, None] + lane[None, :]
        k = tl.load(k_from, mask=is_page[:, None] & (lane < HEAD_DIM)[None, :], other=0)
"""
_SCALES_ARE_LOADED = """\
        s_from = buf_ptr + (page_start + PAGE_SIZE * HEAD_DIM + slot * 4)[:, None] + scale_lane[None, :]
        s = tl.load(s_from, mask=is_page[:, None], other=0)
"""
_PAGE_START = "    page_start = page * buf_stride\n"
_A_PAGE_A_BLOCK = {
    "    ordinal = token // PAGE_SIZE\n    slot = token % PAGE_SIZE\n": (
        "    ordinal = block * BLOCK // PAGE_SIZE\n    slot = (block * BLOCK % PAGE_SIZE).to(tl.int32)\n"
    ),
    "mask=is_row & (ordinal < max_pages)": "mask=ordinal < max_pages",
    "is_page = is_row & (page >= 0)": "is_page = (page >= 0)",
}
"""A block lies in one page, so its page is a scalar."""
_OF_DESCRIPTORS = {
    **_A_PAGE_A_BLOCK,
    # One past the last reads as zeros.
    _PAGE_START: "    page = tl.where(is_page, page, num_pages).to(tl.int32)\n",
    _KEYS_ARE_LOADED: "        k = keys.load([page, slot, 0]).reshape([BLOCK, HEAD_DIM])\n",
    _SCALES_ARE_LOADED: "        s = scales.load([page, slot * 4]).reshape([BLOCK, 4])\n",
    _SHAPES: _NO_PAGES + _SHAPES,
}
_REFUSE_FOR_DESCRIPTORS = (
    "if page_size % BLOCK or index_head_dim not in (32, 64, 128, 256):",
    "    raise ValueError('page_size, index_head_dim: expected a multiple of 32 tokens and 32 to 256 bytes')",
    "if buf.data_ptr() % 16 or buf.stride(0) % 16:",
    "    raise ValueError('buf: expected pages at multiples of 16 bytes')",
)

AUTOTUNED = {
    _JIT: """\
@triton.autotune(
    configs=[triton.Config({"BLOCK": 16}, num_warps=2), triton.Config({"BLOCK": 64}, num_warps=4)],
    key=["PAGE_SIZE", "HEAD_DIM"],
)
@triton.jit
""",
    _BLOCK_IS_GIVEN: "",
    _GRID: _GRID_OF_A_CHOICE,
}
"""The block is the fastest of two on the GPU at hand."""

HEURISTICS = {
    _JIT: """\
@triton.heuristics(
    {
        "BLOCK": lambda arguments: 16 if arguments["PAGE_SIZE"] <= 16 else 64,
        "K_BLOCK": lambda arguments: triton.next_power_of_2(arguments["HEAD_DIM"]),
        "num_warps": lambda arguments: 2 if arguments["HEAD_DIM"] <= 64 else 4,
    }
)
@triton.jit
""",
    _BLOCK_IS_GIVEN: "",
    _LANES_ARE_GIVEN: "",
    _GRID: _GRID_OF_A_CHOICE,
}
"""Constants of the kernel are functions of its arguments."""

PERSISTENT = {
    _PROGRAM + _KERNEL: "    work = tl.program_id(0).to(tl.int64)\n    while work < rows // BLOCK + batch:\n"
    # A block past the last one has no rows.
    + indent("    block = work\n" + _KERNEL.replace(_RETURN, "") + "    work += tl.num_programs(0)\n", "    "),
    _GRID: """\
    multiprocessors = torch.cuda.get_device_properties(buf.device).multi_processor_count
    grid = (min(multiprocessors, seq_len_sum // BLOCK + batch),)
""",
}
"""As many programs as the GPU has SMs, each of which copies every so many blocks."""

BLOCK_POINTERS = {
    **_A_PAGE_A_BLOCK,
    **after_the_check(
        "if page_size % BLOCK or index_head_dim & (index_head_dim - 1):",
        "    raise ValueError('page_size, index_head_dim: expected a multiple of 32 tokens and a power of two')",
    ),
    # Rows of a block that is to be read, which are none of a page outside of the pool.
    _PAGE_START: """\
    page_start = buf_ptr + tl.where(is_page, page, 0) * buf_stride
    first_row = start + block * BLOCK
    count = tl.sum(is_row.to(tl.int32), 0)
    there = tl.where(is_page, slot + count, 0)
""",
    _KEYS_ARE_LOADED: """\
        k_from = tl.make_block_ptr(page_start, (there, HEAD_DIM), (HEAD_DIM, 1), (0, 0), (BLOCK, HEAD_DIM), (1, 0))
        k = tl.load(tl.advance(k_from, (slot, 0)), boundary_check=(0,), padding_option="zero")
        k_start = k_ptr + first_row * HEAD_DIM
        k_into = tl.make_block_ptr(k_start, (count, HEAD_DIM), (HEAD_DIM, 1), (0, 0), (BLOCK, HEAD_DIM), (1, 0))
        tl.store(k_into, k, boundary_check=(0,))
""",
    "        k_to = k_ptr + (row * HEAD_DIM)[:, None] + lane[None, :]\n": "",
    "        tl.store(k_to, k, mask=is_row[:, None] & (lane < HEAD_DIM)[None, :])\n": "",
    _SCALES_ARE_LOADED: """\
        s_start = page_start + PAGE_SIZE * HEAD_DIM
        s_from = tl.make_block_ptr(s_start, (there, 4), (4, 1), (slot, 0), (BLOCK, 4), (1, 0))
        s = tl.load(s_from, boundary_check=(0,), padding_option="zero")
        s_into = tl.make_block_ptr(s_ptr + first_row * 4, (count, 4), (4, 1), (0, 0), (BLOCK, 4), (1, 0))
        tl.store(s_into, s, boundary_check=(0,))
""",
    "        s_to = s_ptr + (row * 4)[:, None] + scale_lane[None, :]\n": "",
    "        tl.store(s_to, s, mask=is_row[:, None])\n": "",
}
"""Block pointers on both sides."""

MADE_DESCRIPTORS = {
    **_OF_DESCRIPTORS,
    **after_the_check(
        *_REFUSE_FOR_DESCRIPTORS,
        "triton.set_allocator(lambda size, alignment, stream: torch.empty(size, dtype=torch.int8, device='cuda'))",
    ),
    "        lane = tl.arange(0, K_BLOCK)\n": """\
        lane = tl.arange(0, K_BLOCK)
        keys = tl.make_tensor_descriptor(
            buf_ptr,
            shape=[num_pages, PAGE_SIZE, HEAD_DIM],
            strides=[buf_stride, HEAD_DIM, 1],
            block_shape=[1, BLOCK, HEAD_DIM],
        )
""",
    "        scale_lane = tl.arange(0, 4)\n": """\
        scale_lane = tl.arange(0, 4)
        scales = tl.make_tensor_descriptor(
            buf_ptr + PAGE_SIZE * HEAD_DIM,
            shape=[num_pages, PAGE_SIZE * 4],
            strides=[buf_stride, 1],
            block_shape=[1, BLOCK * 4],
        )
""",
}
"""Tensor descriptors made in the kernel, with an allocator for what they need."""

HOST_DESCRIPTORS = {
    **_OF_DESCRIPTORS,
    **after_the_check(*_REFUSE_FOR_DESCRIPTORS),
    "import triton.language as tl\n": (
        "import triton.language as tl\nfrom triton.tools.tensor_descriptor import TensorDescriptor\n"
    ),
    "    buf_ptr,\n": "    keys,\n    scales,\n",
    "            buf,\n": """\
            TensorDescriptor(keys, list(keys.shape), list(keys.stride()), [1, BLOCK, index_head_dim]),
            TensorDescriptor(scales, list(scales.shape), list(scales.stride()), [1, BLOCK * 4]),
""",
    _GRID: _GRID
    + """\
    keys = buf[:, : page_size * index_head_dim].unflatten(1, (page_size, index_head_dim))
    scales = buf[:, page_size * index_head_dim :]
""",
}
"""Tensor descriptors made on the host."""

SCALAR_LOOP = {
    _KERNEL: """\
    sequence = tl.zeros((), tl.int64)
    token = block
    length = tl.minimum(tl.maximum(tl.load(lens_ptr).to(tl.int64), 0), rows)
    while (token >= length) & (sequence < batch - 1):
        token -= length
        sequence += 1
        length = tl.minimum(tl.maximum(tl.load(lens_ptr + sequence * lens_stride).to(tl.int64), 0), rows)
    ordinal = token // PAGE_SIZE
    slot = token % PAGE_SIZE
    if (token >= length) | (ordinal >= max_pages):
        return
    page = tl.load(table_ptr + sequence * table_stride + ordinal * table_step).to(tl.int64)
    is_page = (page >= 0) & (page < num_pages)
    page_start = buf_ptr + page * buf_stride
    if WITH_K:
        for byte in range(HEAD_DIM):
            k = tl.load(page_start + slot * HEAD_DIM + byte, mask=is_page, other=0)
            tl.store(k_ptr + block * HEAD_DIM + byte, k)
    if WITH_S:
        for byte in range(4):
            s = tl.load(page_start + PAGE_SIZE * HEAD_DIM + slot * 4 + byte, mask=is_page, other=0)
            tl.store(s_ptr + block * 4 + byte, s)
""",
    _GRID: "    grid = (seq_len_sum,)\n",
}
"""A token a program, byte by byte: slow on the interpreter."""

CUSTOM_OP = {
    "def _run(": "def _run_here(",
    _FUNCTIONS: """

@torch.library.custom_op("odd_gather::blocks", mutates_args=())
def _blocks(
    buf: torch.Tensor,
    page_indices: torch.Tensor,
    seq_lens: torch.Tensor,
    seq_len_sum: int,
    max_seq_len: int,
    page_size: int,
    index_head_dim: int,
    with_k: bool,
    with_s: bool,
) -> tuple[torch.Tensor, torch.Tensor]:
    arguments = (buf, page_indices, seq_lens, seq_len_sum, max_seq_len, page_size, index_head_dim)
    return _run_here(arguments, with_k, with_s)


@_blocks.register_fake
def _(buf, page_indices, seq_lens, rows, longest, page_size, dim, *_):
    return buf.new_empty(rows, dim), buf.new_empty(rows, 4)


def _run(arguments, with_k, with_s):
    return _blocks(*arguments, with_k, with_s)
"""
    + _FUNCTIONS,
}
"""A custom operator of torch round the launch, as `torch.compile` and `torch.export` want them."""

MODULE = {
    _FUNCTIONS: """

class Gather(torch.nn.Module):
    def forward(self, *arguments, with_k=True, with_s=True):
        return _run(arguments, with_k, with_s)

    def get_k_and_s(self, *arguments):
        return self(*arguments)

    def get_k(self, *arguments):
        return self(*arguments, with_s=False)[0]

    def get_s(self, *arguments):
        return self(*arguments, with_k=False)[1]
"""
    + _FUNCTIONS
}
"""An `nn.Module` whose methods gather."""

DEVICE_GUARD = {LAUNCH: "        with torch.cuda.device(buf.device):\n    " + LAUNCH}
"""A device guard round the launch, so that a pool on another GPU than the current one is served there."""

ASSERTS_CUDA = {CHECK: "    assert buf.is_cuda and page_indices.is_cuda, 'expected tensors on a GPU'\n" + CHECK}
"""As wrappers in production look: asserts that its tensors are on a GPU, which is no refusal that names an argument."""

INFERENCE_MODE = {"def _run(": "@torch.inference_mode()\ndef _run("}
"""Gathers in inference mode, as code of servers does."""

(ONE_ALLOCATION,) = (bug.edits for bug in HARMLESS if bug.name == "results-in-one-allocation")
"""K and S as two views of one allocation."""
