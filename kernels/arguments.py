"""What a gather accepts. Everything else is refused before anything is allocated or launched."""

import torch

from kernels.layout import SCALE_BYTES, PageLayout

INDEX_DTYPES = (torch.int32, torch.int64)
MAX_INDEX_HEAD_DIM = 512


def check_arguments(
    buf: torch.Tensor,
    page_indices: torch.Tensor,
    seq_lens: torch.Tensor,
    seq_len_sum: int,
    max_seq_len: int,
    page_size: int,
    index_head_dim: int,
) -> PageLayout:
    """Return the page layout of a call whose arguments keep the contract.

    Shapes and dtypes are those of `kernels.get_k_and_s`. Only what the host knows is looked at: the contents of
    `page_indices` and `seq_lens` stay on their device.

    Raises:
        TypeError: an argument is of the wrong type or dtype.
        ValueError: an argument's rank, shape, device or value is wrong.
    """
    for name, size in (
        ("page_size", page_size),
        ("index_head_dim", index_head_dim),
        ("seq_len_sum", seq_len_sum),
        ("max_seq_len", max_seq_len),
    ):
        if type(size) is not int:
            raise TypeError(f"{name}: expected a Python int, got {type(size).__name__}")
    if page_size < 1:
        raise ValueError(f"page_size: expected 1 or more tokens, got {page_size}")
    if index_head_dim < 1 or index_head_dim % SCALE_BYTES or index_head_dim > MAX_INDEX_HEAD_DIM:
        raise ValueError(
            f"index_head_dim: expected a multiple of {SCALE_BYTES} from {SCALE_BYTES} to {MAX_INDEX_HEAD_DIM}, "
            f"got {index_head_dim}"
        )
    if seq_len_sum < 0:
        raise ValueError(f"seq_len_sum: expected 0 or more tokens, got {seq_len_sum}")
    if max_seq_len < 0:
        raise ValueError(f"max_seq_len: expected 0 or more tokens, got {max_seq_len}")

    layout = PageLayout(page_size, index_head_dim)
    _check_tensor("buf", buf, rank=2, dtypes=(torch.uint8,))
    _check_tensor("page_indices", page_indices, rank=2, dtypes=INDEX_DTYPES)
    _check_tensor("seq_lens", seq_lens, rank=1, dtypes=INDEX_DTYPES)
    for name, tensor in (("page_indices", page_indices), ("seq_lens", seq_lens)):
        if tensor.device != buf.device:
            raise ValueError(f"{name}: expected the device of buf, {buf.device}, got {tensor.device}")

    row_bytes = buf.shape[1]
    if row_bytes != layout.page_bytes:
        raise ValueError(
            f"buf: expected rows of page_size * (index_head_dim + {SCALE_BYTES}) = {layout.page_bytes} bytes, "
            f"got {row_bytes}"
        )
    if buf.stride(1) != 1:
        raise ValueError(f"buf: expected rows whose bytes lie side by side, got a stride of {buf.stride(1)}")
    batch, max_pages = page_indices.shape
    if seq_lens.shape[0] != batch:
        raise ValueError(
            f"seq_lens: expected one length for each of the {batch} rows of page_indices, got {seq_lens.shape[0]}"
        )
    if max_seq_len > max_pages * page_size:
        raise ValueError(
            f"max_seq_len: expected at most max_pages * page_size = {max_pages * page_size} tokens, got {max_seq_len}"
        )
    return layout


def _check_tensor(name: str, tensor: torch.Tensor, rank: int, dtypes: tuple[torch.dtype, ...]) -> None:
    if not isinstance(tensor, torch.Tensor):
        raise TypeError(f"{name}: expected a torch.Tensor, got {type(tensor).__name__}")
    if tensor.dtype not in dtypes:
        expected = " or ".join(str(dtype) for dtype in dtypes)
        raise TypeError(f"{name}: expected dtype {expected}, got {tensor.dtype}")
    if tensor.dim() != rank:
        raise ValueError(f"{name}: expected {rank} dimensions, got {tensor.dim()}")
