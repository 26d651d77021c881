"""Kernels that Triton's interpreter runs, and runs right, and that its compiler refuses."""

from tests.planted.bugs.bug import Bug, cites

COMPILATION = [
    Bug(
        name="loop-carried-int32-becomes-int64",
        edits={
            "    start = tl.sum(tl.where(is_before, lengths, 0), 0)\n": "    start = tl.zeros((), tl.int32)\n    for _ in range(1):\n        start += tl.sum(tl.where(is_before, lengths, 0), 0)\n"
        },
        **cites(20, on=("lengths/page", "batches/3"), says="int32 but is re-assigned to int64"),
    ),
    Bug(
        name="global-list-in-the-kernel",
        edits={
            "BLOCK = 32\n": "BLOCK = 32\nSIZES = [32]\n",
            "token = block * BLOCK + tl.arange(0, BLOCK)": "token = block * SIZES[0] + tl.arange(0, BLOCK)",
        },
        **cites(20, on="lengths/page", says="SIZES"),
    ),
    Bug(
        name="numpy-in-the-kernel",
        edits={
            "import torch\n": "import numpy as np\nimport torch\n",
            "    slot = token % PAGE_SIZE\n": "    slot = token % int(np.abs(PAGE_SIZE))\n",
        },
        **cites(20, on="lengths/page", says="abs()"),
    ),
    Bug(
        name="arange-of-no-power-of-two",
        edits={"K_BLOCK=triton.next_power_of_2(index_head_dim)": "K_BLOCK=index_head_dim"},
        **cites(20, on="geometries/head-dim-96", says="power of 2"),
    ),
    Bug(
        name="arange-of-nothing-in-an-empty-grid",
        edits={"    if seq_len_sum > 0 and batch > 0:\n": "    if True:\n"},
        **cites(20, on="batches/0", says="arange's end argument must be greater than the start argument"),
    ),
]
