"""Bugs of several styles as rows: class, name, styles, what to replace, and the public report it is modelled on."""

from tests.planted.bugs.arguments import NAMELESS
from tests.planted.bugs.bug import CHECK, LAST_LINES, LAUNCH, NEW_K, after_the_check, at_the_end, constant

Row = tuple[str, str, str, dict[str, str], str]


def _kept(edits: dict[str, str]) -> dict[str, str]:
    """Return edits that may keep things in a dict of the module."""
    return {"import torch\n": "import torch\n\n_KEPT = {}\n", **edits}


def _said(code: str) -> dict[str, str]:
    """Return the edit that has statements before the check of the arguments, which stays."""
    return {CHECK: code + CHECK}


_IS_ROW, _IS_PAGE, _PAGE = "is_row = (token < length)", "is_page = is_row & (page >= 0)", "other=-1).to(tl.int64)"
_K_FROM, _S_FROM = "(page_start + slot * HEAD_DIM)[:, None]", "(page_start + PAGE_SIZE * HEAD_DIM + slot * 4)[:, None]"
_K_TO, _S_TO = "k_to = k_ptr + (row * HEAD_DIM)[:, None]", "s_to = s_ptr + (row * 4)[:, None]"
_K_LOAD = "k = tl.load(k_from, mask=is_page[:, None] & (lane < HEAD_DIM)[None, :], other=0)"
_S_LOAD = "s = tl.load(s_from, mask=is_page[:, None], other=0)"
_K_STORE, _S_STORE = "tl.store(k_to, k, mask=is_row[:, None]", "tl.store(s_to, s, mask=is_row[:, None])"
_START = "start = tl.sum(tl.where(is_before, lengths, 0), 0)"
_LENGTH = "length = tl.sum(tl.where(index == sequence, lengths, 0), 0)"
_CLAMPED = "lengths = tl.minimum(tl.maximum(lengths, 0), rows)"
_PAGE_START, _ENTRY = "page_start = page * buf_stride", "table_ptr + sequence * table_stride"

VALUES: list[Row] = [
    ("values", "page-off-by-one", "flat cumulative", {_PAGE_START: "page_start = tl.maximum(page - 1, 0) * buf_stride"}, ""),
    ("values", "scales-interleaved-with-keys", "flat token persistent cumulative", {_K_FROM: "(page_start + slot * (HEAD_DIM + 4))[:, None]"}, "1CatAI/1Cat-vLLM#250"),
    ("values", "scales-from-the-wrong-offset", "token persistent", {_S_FROM: "(page_start + PAGE_SIZE * HEAD_DIM + slot * 4 - 4)[:, None]"}, "deepseek-ai/DeepGEMM#311"),
    ("values", "table-width-for-its-stride", "flat token persistent cumulative", {_ENTRY: "table_ptr + sequence * max_pages"}, "vllm-project/vllm#55109"),
    ("values", "table-columns-side-by-side", "flat persistent cumulative", {"            page_indices.stride(1),\n": "            1,\n"}, "sgl-project/sglang#39266"),
    ("values", "pages-side-by-side", "flat token cumulative", {"            buf.stride(0),\n": "            buf.shape[1],\n"}, "flashinfer-ai/flashinfer#527"),
    ("values", "lengths-side-by-side", "flat token persistent", {"            seq_lens.stride(0),\n": "            1,\n"}, ""),
    ("values", "longest-for-the-sum", "flat token persistent", {_START: "start = tl.max(tl.where(is_before, lengths, 0), 0)"}, "flashinfer-ai/flashinfer#1930"),
    ("values", "page-zero-is-padding", "flat token persistent cumulative", {_IS_PAGE: "is_page = is_row & (page > 0)"}, "sgl-project/sglang#32477"),
    ("values", "last-lanes-of-a-key-missing", "flat persistent", {_K_LOAD: _K_LOAD.replace("(lane < HEAD_DIM)", "(lane < HEAD_DIM // 64 * 64)")}, ""),
    ("values", "scales-lose-their-sign", "token persistent cumulative", {_S_LOAD: _S_LOAD + " & 0x7F"}, ""),
    ("values", "negative-zero-made-positive", "flat cumulative", {_K_STORE: "tl.store(k_to, tl.where(k == 0x80, 0, k).to(tl.uint8), mask=is_row[:, None]"}, "sgl-project/sglang#28455"),
    ("values", "scale-bytes-swapped", "flat token persistent", {_S_TO + " + scale_lane": _S_TO + " + 3 - scale_lane"}, ""),
    ("values", "page-size-a-power-of-two", "token persistent cumulative", {"slot = token % PAGE_SIZE": "slot = token & (PAGE_SIZE - 1)"}, "flashinfer-ai/flashinfer#3022"),
    ("values", "page-size-fixed", "token persistent cumulative", {"ordinal = token // PAGE_SIZE": "ordinal = token // 64"}, "ROCm/aiter#5591"),
    ("values", "search-one-step-short", "cumulative", {"STEPS=batch.bit_length()": "STEPS=batch.bit_length() - 1"}, ""),
    ("values", "search-goes-on-at-an-end", "cumulative", {"(end <= row)": "(end < row)"}, ""),
    ("values", "search-forgets-the-lower-half", "cumulative", {"high = tl.where(is_after, high, middle)": "high = tl.where(is_after, high, middle - 1)"}, ""),
    ("values", "starts-of-the-sequence-after", "cumulative", {"start = tl.load(ends_ptr + sequence - 1,": "start = tl.load(ends_ptr + tl.maximum(sequence - 2, 0),"}, "sgl-project/sglang#18280"),
    ("values", "ends-without-empty-sequences", "cumulative", {"ends = seq_lens.clamp(0, seq_len_sum)": "ends = seq_lens.clamp(1, max(1, seq_len_sum))"}, "deepseek-ai/DeepGEMM#353"),
    ("values", "page-size-fixed", "indexing", {"ordinal = token // page_size": "ordinal = token // 64"}, "ROCm/aiter#5591"),
    ("values", "page-size-a-power-of-two", "indexing", {"slot = token % page_size": "slot = token & (page_size - 1)"}, ""),
    ("values", "search-goes-on-at-an-end", "indexing", {"right=True": "right=False"}, ""),
    ("values", "starts-of-the-first-sequence", "indexing", {"(ends - lengths)[sequence]": "(ends - lengths[0])[sequence]"}, ""),
    ("values", "scales-interleaved-with-keys", "indexing", {"buf[:, :split].unflatten(1, (page_size, index_head_dim))": "buf.unflatten(1, (page_size, index_head_dim + 4))[..., :index_head_dim]"}, "1CatAI/1Cat-vLLM#250"),
    ("values", "scales-of-the-last-tokens", "indexing", {"s[is_page] = scales[page, slot]": "s[is_page] = scales[page, slot - 1]"}, ""),
    ("values", "token-number-in-16-bits", "tile", {"token = block * BLOCK + tl.arange(0, BLOCK)": "token = (block * BLOCK + tl.arange(0, BLOCK)) & 0xFFFF"}, ""),
    ("bounds", "table-row-stride-at-least-one", "tile", {"            page_indices.stride(0),\n": "            max(1, page_indices.stride(0)),\n"}, ""),
    ("values", "zero-scale-made-one", "tile", {_S_STORE: f"is_zero = is_page & (tl.sum(s.to(tl.int32), 1) == 0)\n        s = tl.where(is_zero[:, None], tl.where(scale_lane == 3, 0x3F, tl.where(scale_lane == 2, 0x80, 0))[None, :], s).to(tl.uint8)\n        {_S_STORE}"}, ""),
    ("values", "head-dims-above-256-cut", "tile", {"K_BLOCK=triton.next_power_of_2(index_head_dim)": "K_BLOCK=min(256, triton.next_power_of_2(index_head_dim))"}, ""),
    ("values", "int32-lengths-in-16-bits", "tile", {_CLAMPED: "if lens_ptr.dtype.element_ty == tl.int32:\n        lengths = lengths & 0xFFFF\n    " + _CLAMPED}, ""),
    ("values", "geometry-known-by-its-product", "tile", {"            PAGE_SIZE=page_size,\n": "            PAGE_SIZE=64 if page_size * index_head_dim == 8192 else page_size,\n"}, ""),
    ("values", "stride-of-lengths-for-wide-keys", "tile", {**constant("KEEP", "0 if index_head_dim > 128 and seq_lens.element_size() == 4 else -1"), "lens_ptr + index.to(tl.int64)": "lens_ptr + (index & KEEP).to(tl.int64)"}, ""),
    ("values", "one-table-row-for-all", "indexing", {"page_indices[sequence, ordinal": "page_indices[sequence * 0, ordinal"}, "sgl-project/sglang#18280"),
]  # fmt: skip

BOUNDS: list[Row] = [
    ("bounds", "page-just-past-the-pool-accepted", "flat token persistent cumulative", {"(page < num_pages)": "(page <= num_pages)"}, "sgl-project/sglang#27459"),
    ("bounds", "lengths-read-past-their-end", "flat token persistent", {"mask=index < batch, other=0)": "mask=index <= batch, other=0)"}, "deepseek-ai/DeepGEMM#344"),
    ("bounds", "table-read-past-its-width", "tile persistent cumulative", {"mask=is_row & (ordinal < max_pages)": "mask=is_row"}, "vllm-project/vllm#28760"),
    ("bounds", "scales-one-row-too-many", "flat persistent", {_S_STORE: "tl.store(s_to, s, mask=(token < length + 1)[:, None])"}, "sgl-project/sglang#39266"),
    ("bounds", "keys-of-invalid-pages-read", "flat token persistent cumulative", {_K_LOAD: _K_LOAD.replace("is_page", "is_row")}, "NVIDIA/TensorRT-LLM#18673"),
    ("bounds", "scales-of-invalid-pages-read", "tile flat token cumulative", {_S_LOAD: _S_LOAD.replace("is_page", "is_row")}, "vllm-project/vllm#45380"),
    ("bounds", "negative-lengths-added", "tile flat persistent", {_CLAMPED: "lengths = tl.minimum(lengths, rows)"}, ""),
    ("bounds", "head-dim-fixed-in-the-result", "flat token persistent cumulative", {_K_TO: _K_TO.replace("HEAD_DIM", "128")}, ""),
    ("bounds", "rows-of-the-device-trusted", "cumulative", {"is_row = (sequence < batch) & (row < rows)": "is_row = (sequence < batch)"}, ""),
    ("bounds", "search-in-one-more", "cumulative", {"high = low + batch": "high = low + batch + 1", "STEPS=batch.bit_length()": "STEPS=batch.bit_length() + 1"}, ""),
    ("bounds", "negative-pages-count-from-the-end", "indexing", {"is_page = is_row & (page >= 0) & (page < num_pages)": "is_page = is_row & (page < num_pages) & (page >= -num_pages)"}, "sgl-project/sglang#11061"),
    ("bounds", "table-read-past-its-width", "indexing", {"ordinal.clamp(max=max_pages - 1)": "ordinal"}, "vllm-project/vllm#28760"),
    ("bounds", "sequence-past-the-batch", "indexing", {"    sequence = sequence.clamp(max=batch - 1)\n": ""}, ""),
]  # fmt: skip

_WRAPPED = "page_start = (page.to(tl.int32) * tl.cast(buf_stride, tl.int32)).to(tl.int64)"
OVERFLOW: list[Row] = [
    ("overflow", "slot-around-the-top", "tile", {"slot = token % PAGE_SIZE": "slot = (token % PAGE_SIZE).to(tl.int32) + 0x7FFFFFFF - 0x7FFFFFFF"}, ""),
    ("overflow", "page-offset-in-32-bits", "flat token persistent cumulative", {_PAGE_START: _WRAPPED}, "sgl-project/sglang#34725"),
    ("overflow", "key-offset-in-unsigned-32-bits", "flat persistent cumulative", {_K_FROM: "((page_start + slot * HEAD_DIM) & 0xFFFFFFFF)[:, None]"}, "flashinfer-ai/flashinfer#3136"),
    ("overflow", "scale-offset-in-32-bits", "flat token persistent cumulative", {_S_FROM: "(page_start + PAGE_SIZE * HEAD_DIM + slot * 4).to(tl.int32)[:, None]"}, "sgl-project/sglang#30859"),
    ("overflow", "page-number-in-16-bits", "flat token persistent cumulative", {_PAGE: "other=-1).to(tl.int16).to(tl.int64)"}, "ROCm/aiter#3211"),
    ("overflow", "page-compared-in-32-bits", "tile flat cumulative", {"(page < num_pages)": "(page.to(tl.int32) < num_pages)"}, "sgl-project/sglang#39948"),
    ("overflow", "page-number-in-16-bits", "indexing", {"max_pages - 1)].long()": "max_pages - 1)].to(torch.int16).long()"}, "ROCm/aiter#3211"),
    ("overflow", "page-compared-in-32-bits", "indexing", {"(page < num_pages)": "(page.int() < num_pages)"}, ""),
    ("overflow", "lengths-in-16-bits", "indexing", {"clamp(0, seq_len_sum).long()": "clamp(0, seq_len_sum).to(torch.int16).long()"}, "sgl-project/sglang#20389"),
]  # fmt: skip

_BATCH_BLOCK = "BATCH_BLOCK=triton.next_power_of_2(batch)"
UNWRITTEN: list[Row] = [
    ("unwritten", "last-token-missing", "persistent", {_IS_ROW: "is_row = (token < length - 1)"}, ""),
    ("unwritten", "last-slot-missing", "flat", {"is_row = (slot < PAGE_SIZE)": "is_row = (slot < PAGE_SIZE - 1)"}, ""),
    ("unwritten", "last-sequence-missing", "cumulative", {"is_row = (sequence < batch)": "is_row = (sequence < batch - 1)"}, ""),
    ("unwritten", "length-rounded-down", "flat token persistent", {_LENGTH: _LENGTH + " // 4 * 4"}, "InternLM/lmdeploy#1616"),
    ("unwritten", "last-page-missing", "flat", {"triton.cdiv(arguments[4], page_size)": "arguments[4] // page_size"}, "flashinfer-ai/flashinfer#2076"),
    ("unwritten", "grid-one-short", "token", {"    grid = (seq_len_sum,)\n": "    grid = (max(1, seq_len_sum - 1),)\n"}, "vllm-project/vllm#51252"),
    ("unwritten", "last-block-missing", "cumulative", {"grid = (triton.cdiv(seq_len_sum, BLOCK),)": "grid = (max(1, seq_len_sum // BLOCK),)"}, ""),
    ("unwritten", "work-ends-early", "persistent", {"while work < rows // BLOCK + batch": "while work < rows // BLOCK + 1"}, ""),
    ("unwritten", "keys-of-invalid-pages-unwritten", "flat token persistent cumulative", {_K_STORE: _K_STORE.replace("is_row", "is_page")}, ""),
    ("unwritten", "scales-of-invalid-pages-unwritten", "tile flat persistent cumulative", {_S_STORE: _S_STORE.replace("is_row", "is_page")}, ""),
    ("unwritten", "batch-rounded-down", "flat token persistent", {_BATCH_BLOCK: "BATCH_BLOCK=1 << (batch.bit_length() - 1)"}, "deepseek-ai/DeepGEMM#346"),
    ("unwritten", "half-of-each-scale", "tile flat token persistent", {"scale_lane = tl.arange(0, 4)": "scale_lane = tl.arange(0, 2)"}, ""),
    ("unwritten", "undefined-lanes-summed", "token persistent", {"mask=index < batch, other=0).to(tl.int64)": "mask=index < batch).to(tl.int64)"}, "sgl-project/sglang#27074"),
    ("unwritten", "keys-not-cleared", "indexing", {"k = torch.zeros(": "k = torch.empty("}, "sgl-project/sglang#30512"),
    ("unwritten", "scales-not-cleared", "indexing", {"s = torch.zeros(": "s = torch.empty("}, "sgl-project/sglang#30512"),
    ("unwritten", "rows-past-the-table-skipped", "indexing", {"is_row = sequence < batch": "is_row = (sequence < batch) & (row > 0)"}, ""),
]  # fmt: skip

_PROGRAM = "block = program.to(tl.int64)"
RACES: list[Row] = [
    ("races", "two-rows-to-one-place", "flat token persistent cumulative", {_K_TO: _K_TO.replace("row *", "row // 2 * 2 *")}, "flashinfer-ai/flashinfer#3624"),
    ("races", "scales-overlap", "tile flat token cumulative", {_S_TO: _S_TO.replace("row * 4", "row * 3")}, ""),
    ("races", "everyone-does-all-work", "persistent", {"work += tl.num_programs(0)": "work += 1"}, ""),
    ("races", "each-block-twice", "token", {_PROGRAM: "block = program.to(tl.int64) // 2", "    grid = (seq_len_sum,)\n": "    grid = (2 * seq_len_sum,)\n"}, ""),
    ("races", "each-block-twice", "cumulative", {_PROGRAM: "block = program.to(tl.int64) // 2", "grid = (triton.cdiv(seq_len_sum, BLOCK),)": "grid = (2 * triton.cdiv(seq_len_sum, BLOCK),)"}, ""),
    ("races", "each-page-twice", "flat", {_PROGRAM: "block = program.to(tl.int64) // 2", "grid = (batch * columns,)": "grid = (2 * batch * columns,)"}, ""),
    ("races", "every-second-call-wrong", "indexing", {"import torch\n": "import torch\n\n_CALLS = []\n", **at_the_end("_CALLS.append(1)", "if len(_CALLS) % 2 == 0 and seq_len_sum:", "    k[0] ^= 1")}, ""),
]  # fmt: skip

_ADDRESSES = "key = (*(a.data_ptr() for a in arguments[:3]), *arguments[3:], with_k, with_s)"
LIFETIME: list[Row] = [
    ("lifetime", "table-strides-of-the-first-call", "flat persistent cumulative", _kept({"            page_indices.stride(0),\n": "            _KEPT.setdefault(page_indices.shape, page_indices.stride(0)),\n"}), "local-inference-lab/b12x#85"),
    ("lifetime", "page-size-of-the-first-call", "flat token cumulative", _kept({"            PAGE_SIZE=page_size,\n": "            PAGE_SIZE=_KEPT.setdefault(0, page_size),\n"}), "NVIDIA/TensorRT-LLM#16223"),
    ("lifetime", "result-reused", "flat token persistent", _kept({NEW_K: "    shape = (seq_len_sum, index_head_dim)\n    k = _KEPT.setdefault((shape, buf.device), torch.empty(shape, dtype=torch.uint8, device=buf.device))"}), "sgl-project/sglang#23037"),
    ("lifetime", "results-kept-for-ever", "flat cumulative indexing", _kept(at_the_end("_KEPT[len(_KEPT)] = (k, s)")), ""),
    ("lifetime", "answer-kept-by-address", "token persistent cumulative indexing", _kept({**after_the_check(_ADDRESSES, "if key in _KEPT:", "    return tuple(kept.clone() for kept in _KEPT[key])"), **at_the_end("_KEPT[key] = (k.clone(), s.clone())")}), "sgl-project/sglang#15227"),
    ("lifetime", "pool-scratched", "flat persistent indexing", at_the_end("if buf.numel():", "    buf[-1, -1] ^= 1"), ""),
    ("lifetime", "table-mended-in-place", "token cumulative indexing", after_the_check("page_indices.clamp_(0, max(0, buf.shape[0] - 1))"), ""),
    ("lifetime", "scales-of-signed-bytes", "flat cumulative", {LAST_LINES: LAST_LINES.replace("return k, s", "return k, s.view(torch.int8)")}, "sgl-project/sglang#12645"),
]  # fmt: skip

REFUSALS: list[Row] = [
    ("refusals", "unchecked-table-width", "token persistent cumulative indexing", {CHECK: "    check_arguments(*arguments[:4], 0, *arguments[5:])\n"}, "sgl-project/sglang#19016"),
    ("refusals", "negative-sum-made-positive", "flat persistent cumulative indexing", _said("    seq_len_sum = abs(seq_len_sum)\n    arguments = (*arguments[:3], seq_len_sum, *arguments[4:])\n"), ""),
    ("refusals", "any-dtype-of-lengths", "flat token cumulative", _said("    arguments = (*arguments[:2], seq_lens.int(), *arguments[3:])\n"), "sgl-project/sglang#12300"),
    ("refusals", "any-dtype-of-the-table", "flat persistent indexing", _said("    arguments = (buf, page_indices.int(), *arguments[2:])\n"), "flashinfer-ai/flashinfer#2255"),
    ("refusals", "error-without-a-name", "flat token", NAMELESS, ""),
]  # fmt: skip

MACHINE: list[Row] = [
    ("machine", "lengths-listed-for-nothing", "tile", after_the_check("seq_lens.tolist()"), ""),
    ("machine", "pages-promised-aligned", "tile", {_PAGE_START: "page_start = tl.multiple_of(page * buf_stride, 16)"}, ""),
    ("machine", "results-filled-first", "flat token persistent", {"k = torch.empty((seq_len_sum": "k = torch.zeros((seq_len_sum"}, "vllm-project/vllm#55373"),
    ("machine", "table-copied", "flat token persistent", after_the_check("page_indices = page_indices.to(torch.int64)"), ""),
    ("machine", "length-read-on-the-host", "flat token persistent", after_the_check("seq_len_sum = int(seq_lens.sum())"), "lightseekorg/tokenspeed#819"),
    ("machine", "compiled-for-each-total", "flat persistent", constant("SIZE", "seq_len_sum"), "sgl-project/sglang#13812"),
    ("machine", "compiled-for-each-table-width", "flat persistent", constant("WIDTH", "max_pages"), "sgl-project/sglang#23550"),
    ("machine", "launched-for-nothing", "flat persistent", {"if seq_len_sum > 0 and batch > 0:": "if batch > 0:"}, ""),
    ("machine", "keys-loaded-twice", "flat token persistent", {_K_LOAD: f"{_K_LOAD} | {_K_LOAD[4:]}"}, ""),
    ("machine", "copied-before-it-is-refused", "flat token", _said("    buf.clone() if isinstance(buf, torch.Tensor) else None\n"), ""),
    ("machine", "zeroed-by-a-foreach", "token persistent", {LAUNCH: "        torch._foreach_zero_([k, s])\n" + LAUNCH}, ""),
]  # fmt: skip

COMPILE: list[Row] = [
    ("compile", "arange-of-no-power-of-two", "flat token cumulative", {"K_BLOCK=triton.next_power_of_2(index_head_dim)": "K_BLOCK=index_head_dim"}, ""),
    ("compile", "numpy-in-the-kernel", "flat persistent cumulative", {"import torch\n": "import numpy as np\nimport torch\n", "scale_lane = tl.arange(0, 4)": "scale_lane = tl.arange(0, int(np.abs(4)))"}, ""),
    ("compile", "global-list-in-the-kernel", "token persistent cumulative", {"import torch\n": "import torch\n\nONES = [1]\n", _PAGE_START: _PAGE_START + " * ONES[0]"}, ""),
    ("compile", "loop-carried-int32-becomes-int64", "cumulative", {"low = tl.zeros([BLOCK], tl.int64)": "low = tl.zeros([BLOCK], tl.int32)", "high = low + batch\n": "high = low.to(tl.int64) + batch\n"}, ""),
]  # fmt: skip

ROWS = [*VALUES, *BOUNDS, *OVERFLOW, *UNWRITTEN, *RACES, *LIFETIME, *REFUSALS, *MACHINE, *COMPILE]
