"""Changes to the correct gather that are unusual, and right: none of them may be called a bug."""

from tests.planted.bugs.bug import Bug

STARTS_IN_32_BITS = {
    "mask=index < batch, other=0).to(tl.int64)": "mask=index < batch, other=0)",
    "lengths = tl.minimum(tl.maximum(lengths, 0), rows)": "lengths = tl.maximum(lengths, 0)",
    "    blocks = (lengths + BLOCK - 1) // BLOCK\n": "",
    "    ends = tl.cumsum(blocks, 0)\n    if block >= tl.sum(blocks, 0):\n        return\n": "",
    "is_before = (ends <= block) & (index < batch)\n    sequence = tl.sum(is_before.to(tl.int64), 0)\n": "sequence = block % batch\n    is_before = index < sequence\n",
    "block -= tl.sum(tl.where(is_before, blocks, 0), 0)": "block = block // batch",
    "grid = (seq_len_sum // BLOCK + batch,)": "grid = (batch * triton.cdiv(arguments[4], BLOCK),)",
}
"""Rows are counted in the type of the lengths, and wrap if they are int32 and longer than any can be."""

HARMLESS = [
    Bug(
        name="wrapped-start-range-checked",
        edits={
            **STARTS_IN_32_BITS,
            "is_row = (token < length) & (row < rows)": "is_row = (token < length) & (row >= 0) & (row < rows)",
        },
        rules=(),
        cases=("disagreement/device-huge-int32", "disagreement/device-past-the-table", "batches/3", "lengths/page"),
    ),
    Bug(
        name="results-in-one-allocation",
        edits={
            "    s = torch.empty((seq_len_sum, 4), dtype=torch.uint8, device=buf.device)\n": "    both = torch.empty(seq_len_sum * (index_head_dim + 4), dtype=torch.uint8, device=buf.device)\n    k, s = both.split([seq_len_sum * index_head_dim, seq_len_sum * 4])\n    k, s = k.view(seq_len_sum, index_head_dim), s.view(seq_len_sum, 4)\n",
            "    k = torch.empty((seq_len_sum, index_head_dim), dtype=torch.uint8, device=buf.device)\n": "",
        },
        rules=(),
        cases=("batches/3", "batches/all-empty-8", "disagreement/sum-too-small-by-one"),
    ),
]
