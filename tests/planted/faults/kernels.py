"""Triton kernels that do what no gather may: touch one byte that is not theirs, write far away, misalign, never end."""

import ctypes

import torch
import triton
import triton.language as tl

FAR_AWAY = 1 << 44
"""Bytes past a tensor where nothing is mapped."""
TOUCHED_WITH = 0x5A


@triton.jit
def touch_kernel(address, sink_ptr, never, WRITE: tl.constexpr, WITH: tl.constexpr):
    """Read or write the byte at an address."""
    byte_ptr = address.to(tl.pointer_type(tl.uint8))
    if WRITE:
        tl.store(byte_ptr, WITH)
    else:
        value = tl.load(byte_ptr).to(tl.int32)
        # No byte equals `never`, which the compiler cannot know: so it must load the byte.
        tl.store(sink_ptr, value, mask=value == never)


@triton.jit
def misaligned_kernel(words_ptr, sink_ptr, never):
    """Read a word that begins at its second byte."""
    word_ptr = (words_ptr.to(tl.pointer_type(tl.uint8)) + 1).to(tl.pointer_type(tl.int32))
    value = tl.load(word_ptr)
    tl.store(sink_ptr, value, mask=value == never)


@triton.jit
def endless_kernel(ptr):
    """Wait for a word to become 1, which nobody makes it."""
    rounds = 0
    while tl.load(ptr, volatile=True) != 1:
        rounds += 1
    tl.store(ptr, rounds)


def touch(address: int, write: bool, device: torch.device) -> None:
    """Read or write the byte at `address`, in a kernel if the device is a GPU."""
    if device.type == "cpu":
        if write:
            ctypes.memset(address, TOUCHED_WITH, 1)
        else:
            ctypes.string_at(address, 1)
        return
    sink = torch.zeros(1, dtype=torch.int32, device=device)
    touch_kernel[(1,)](address, sink, 1 << 20, WRITE=write, WITH=TOUCHED_WITH, num_warps=1)


def write_far_away() -> None:
    """Write where nothing is mapped; the GPU's context is lost."""
    somewhere = torch.zeros(1, dtype=torch.uint8, device="cuda")
    touch(somewhere.data_ptr() + FAR_AWAY, True, somewhere.device)


def read_misaligned(device: str | torch.device = "cuda") -> None:
    """Read a word off its boundary, which a GPU refuses."""
    words = torch.zeros(2, dtype=torch.int32, device=device)
    misaligned_kernel[(1,)](words, torch.zeros_like(words), 1 << 20, num_warps=1)


def run_for_ever() -> None:
    """Launch a kernel that never ends."""
    endless_kernel[(1,)](torch.zeros(1, dtype=torch.int32, device="cuda"), num_warps=1)
