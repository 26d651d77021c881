"""The parts of a stand-alone script that shows a finding, as text."""

HEAD = '''"""{title}

Needs torch, Triton and the kernel. Exit code 1: the fault is there. 0: it is not.
"""

import os
import subprocess
import sys
from types import SimpleNamespace

import torch

device = "cuda" if torch.cuda.is_available() else "cpu"
if device == "cpu":
    os.environ["TRITON_INTERPRET"] = "1"  # before Triton is imported
{gather}
page_size, index_head_dim, num_pages, page_bytes = {page_size}, {index_head_dim}, {num_pages}, {page_bytes}
seq_len_sum, max_seq_len = {seq_len_sum}, {max_seq_len}
lengths = {lengths}
MARGIN = 1 << 20


def placed(shape, strides, offset, dtype):
    """A tensor with bytes 0xEE before, behind and between what it holds."""
    elements = offset + sum((size - 1) * stride for size, stride in zip(shape, strides)) + 1 if all(shape) else offset
    size = elements * dtype.itemsize
    flat = torch.empty(size + 2 * MARGIN, dtype=torch.uint8, device=device)
    (flat if size < 1 << 26 else flat[:MARGIN]).fill_(0xEE)
    return flat[MARGIN : MARGIN + size].view(dtype)[offset:].as_strided(shape, strides)


def rows(slots, seed):
    """The key and the scale of tokens, by page * page_size + token; no byte is 0 or 0xEE."""
    lane = torch.arange(index_head_dim + 4, device=device)
    code = slots[:, None] * 131 + slots[:, None] // 229 * 17 + lane * 29 + seed * 101
    return (code % 229 + 1).to(torch.uint8)


def contents(pages, seed):
    slots = (pages[:, None] * page_size + torch.arange(page_size, device=device)).flatten()
    held, count = rows(slots, seed), len(pages)
    k, s = held[:, :index_head_dim], held[:, index_head_dim:]
    return torch.nn.functional.pad({contents}, (0, page_bytes - page_size * (index_head_dim + 4)))


buf = placed({buf})
pages = {page_list}.to(device)
buf[pages] = contents(pages, 0)
page_indices = placed({table})
page_indices[:, :{columns}] = torch.tensor({entries}, dtype=torch.int64).to(page_indices)
seq_lens = placed({lens})
seq_lens.copy_(torch.tensor(lengths))
'''
"""Everything up to the call."""

CONTENTS = {
    "blocks": "torch.cat([k.reshape(count, -1), s.reshape(count, -1)], 1)",
    "padded": "torch.cat([k.reshape(count, -1), s.reshape(count, -1)], 1)",
    "interleaved": "held.reshape(count, -1)",
    "tiles": (
        "torch.cat([k.reshape(count, page_size // 16, 16, -1, 16).transpose(2, 3).reshape(count, -1),"
        " s.reshape(count, -1)], 1)"
    ),
}
"""A page's bytes from its keys `k` and scales `s`, by layout."""

PLACES = {
    "call": """

def together(returned):
    if returned and isinstance(returned[0], (tuple, list)):
        return [torch.cat(parts) for parts in zip(*returned)]
    return torch.cat(returned)


def call():
{lines}    {call}
    returned = list(returned) if isinstance(returned, (tuple, list)) else [returned]
    return dict(zip({parts}, returned))


def fault(text):
    print(f"FAULT: {{text}}")
    sys.exit(1)


if len(sys.argv) == 1:  # in a process of its own, which a wild access may end
    done = subprocess.run([sys.executable, __file__, "call"])
    if done.returncode not in (0, 1):
        fault(f"the call ended its process, exit status {{done.returncode}}")
    sys.exit(done.returncode)
"""
}
"""The call, and the process that it is made in."""

CHECK_REFUSED = """
try:
    call()
except (ValueError, TypeError) as error:
    if not any(name in str(error) for name in {names}):
        fault(f"the bad argument is not named: {{type(error).__name__}}: {{error}}")
    print(f"refused, as it should be: {{error}}")
except BaseException as error:
    fault(f"{{type(error).__name__}} instead of a ValueError or TypeError: {{error}}")
else:
    fault("a bad argument was accepted, should have been refused: {names}")
"""
"""What follows where a call has to be refused."""

CHECK_ROWS = '''

def check(seed):
    """Call, and compare with the rows that a loop over sequences gives."""
    before = [tensor.clone() for tensor in (page_indices, seq_lens)]
    try:
        results = call()
        if device == "cuda":
            torch.cuda.synchronize()
    except ValueError as error:
        if {may_refuse}:
            print(f"refused, which is allowed: {{error}}")
            sys.exit(0)
        fault(f"raised ValueError: {{error}}")
    except BaseException as error:
        fault(f"raised {{type(error).__name__}}: {{error}}")
    if not all(torch.equal(*pair) for pair in zip(before, (page_indices, seq_lens))):
        fault("an argument was written to")
    if not torch.equal(buf[pages], contents(pages, seed)):
        fault("buf was written to")
    place = [torch.arange(length, device=device) for length in lengths]
    page = [page_indices[number, tokens // page_size].to(torch.int64) for number, tokens in enumerate(place)]
    page = torch.cat([torch.zeros(0, dtype=torch.int64, device=device), *page])
    token = torch.cat([torch.zeros(0, dtype=torch.int64, device=device), *place]) % page_size
    is_page = (page >= 0) & (page < num_pages)
    right = rows(torch.where(is_page, page * page_size + token, 0), seed)
    right[~is_page] = 0
    rights = {{"k": right[:, :index_head_dim], "s": right[:, index_head_dim:]}}
    for part in {parts}:
        result = results.get(part)
        if not isinstance(result, torch.Tensor):
            fault(f"{{part}} is {{type(result).__name__}}, should be a tensor")
        if result.element_size() > 1 or result.dtype == torch.float8_e4m3fn:
            result = result.contiguous().view(-1).view(torch.uint8).view(seq_len_sum, -1)
        if (tuple(result.shape), result.dtype) != (tuple(rights[part].shape), torch.uint8):
            fault(f"{{part}} is {{tuple(result.shape)}} {{result.dtype}}, not {{tuple(rights[part].shape)}} uint8")
        wrong = (result != rights[part]).any(1).nonzero().flatten().tolist()
        if wrong:
            row = wrong[0]
            told = "bytes from beside the pool" if bool((result[row] == 0xEE).any()) else result[row][:8].tolist()
            fault(
                f"{{len(wrong)}} of {{len(result)}} rows of {{part}} are wrong; row {{row}}, of page {{int(page[row])}}"
                f" token {{int(token[row])}}, holds {{told}}, should begin {{rights[part][row][:8].tolist()}}"
            )
    return results


first = check(0)
kept = {{part: result.clone() for part, result in first.items()}}
buf[pages] = contents(pages, 1)
check(1)
if not all(torch.equal(first[part], kept[part]) for part in first):
    fault("a later call changed an earlier result")
print("no fault is seen")
'''
"""What follows where rows are due."""
