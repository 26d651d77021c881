"""With the signature of LightLLM's first `extract_indexer_ks`: a pool of tokens, and a token for each row."""

import torch
import triton

from kernels.peers.foreign import Foreign
from tests.planted.foreign.programs import gather_by_slots


def extract_indexer_ks(I_buffer: torch.Tensor, SrcLoc: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return keys as fp8, `(rows, dim)`, and scales as fp32, `(rows,)`."""
    rows, dim = SrcLoc.shape[0], I_buffer.shape[2] - 4
    k = torch.empty((rows, dim), dtype=torch.uint8, device=I_buffer.device)
    s = torch.empty((rows,), dtype=torch.float32, device=I_buffer.device)
    if rows:
        sizes = {"DIM": dim, "LANES": triton.next_power_of_2(dim)}
        gather_by_slots[rows,](I_buffer, SrcLoc, k, s.view(torch.uint8), I_buffer.stride(0), **sizes)
    return k.view(torch.float8_e4m3fn), s


get_k_and_s = Foreign(extract_indexer_ks, "tokens", "slots")
