"""A correct gather by PyTorch's indexing, safe on bad input, in which bugs are planted by replacing lines."""

import torch

from kernels.arguments import check_arguments


def _run(arguments, with_k, with_s):
    buf, page_indices, seq_lens, seq_len_sum, _, page_size, index_head_dim = arguments
    check_arguments(*arguments)
    batch, max_pages = page_indices.shape
    num_pages = buf.shape[0]
    k = torch.zeros((seq_len_sum, index_head_dim), dtype=torch.uint8, device=buf.device)
    s = torch.zeros((seq_len_sum, 4), dtype=torch.uint8, device=buf.device)
    if min(seq_len_sum, batch, max_pages, num_pages) == 0:
        return k, s
    lengths = seq_lens.clamp(0, seq_len_sum).long()
    ends = lengths.cumsum(0)
    row = torch.arange(seq_len_sum, device=buf.device)
    sequence = torch.searchsorted(ends, row, right=True)
    is_row = sequence < batch
    sequence = sequence.clamp(max=batch - 1)
    token = row - (ends - lengths)[sequence]
    ordinal = token // page_size
    slot = token % page_size
    is_row &= ordinal < max_pages
    page = page_indices[sequence, ordinal.clamp(max=max_pages - 1)].long()
    is_page = is_row & (page >= 0) & (page < num_pages)
    page, slot = page[is_page], slot[is_page]
    split = page_size * index_head_dim
    if with_k:
        keys = buf[:, :split].unflatten(1, (page_size, index_head_dim))
        k[is_page] = keys[page, slot]
    if with_s:
        scales = buf[:, split:].unflatten(1, (page_size, 4))
        s[is_page] = scales[page, slot]
    return k, s


def get_k_and_s(*arguments):
    """Gather K and S; see `kernels.get_k_and_s`."""
    return _run(arguments, True, True)


def get_k(*arguments):
    """Gather K alone."""
    return _run(arguments, True, False)[0]


def get_s(*arguments):
    """Gather S alone."""
    return _run(arguments, False, True)[1]
