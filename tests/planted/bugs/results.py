"""Results that are not new, not whole or not theirs, and state that survives a call."""

from tests.planted.bugs.bug import LAST_LINES, Bug

RESULTS = [
    Bug(
        name="result-reused",
        edits={
            "    k = torch.empty((seq_len_sum, index_head_dim), dtype=torch.uint8, device=buf.device)": "    shape = (seq_len_sum, index_head_dim)\n    k = _K.setdefault((shape, buf.device), torch.empty(shape, dtype=torch.uint8, device=buf.device))",
            "BLOCK = 32\n": "BLOCK = 32\n_K = {}\n",
        },
        rules=(6,),
        cases=("lengths/page", "batches/3"),
    ),
    Bug(
        name="smaller-result-cut-from-a-larger-one",
        edits={
            "    k = torch.empty((seq_len_sum, index_head_dim), dtype=torch.uint8, device=buf.device)": "    if index_head_dim not in _K or len(_K[index_head_dim]) <= seq_len_sum:\n        _K[index_head_dim] = torch.empty((seq_len_sum, index_head_dim), dtype=torch.uint8, device=buf.device)\n    k = _K[index_head_dim][:seq_len_sum]",
            "BLOCK = 32\n": "BLOCK = 32\n_K = {}\n",
        },
        rules=(6,),
        cases=("lengths/page", "tables/sliced"),
        says="an earlier call returned",
    ),
    Bug(
        name="answer-kept-by-address",
        edits={
            "    check_arguments(*arguments)\n": "    check_arguments(*arguments)\n    key = (*(a.data_ptr() for a in arguments[:3]), *arguments[3:], with_k, with_s)\n    if key in _KEPT:\n        return tuple(kept.clone() for kept in _KEPT[key])\n",
            LAST_LINES: "    _KEPT[key] = (k.clone(), s.clone())\n" + LAST_LINES,
            "BLOCK = 32\n": "BLOCK = 32\n_KEPT = {}\n",
        },
        rules=(7,),
        cases=("lengths/page-plus-one", "tables/reversed"),
        says="call before",
    ),
    Bug(
        name="lengths-kept-by-version",
        edits={
            "    check_arguments(*arguments)\n": "    check_arguments(*arguments)\n    key = (seq_lens.data_ptr(), seq_lens._version, seq_len_sum)\n    seq_lens = _LENS.setdefault(key, seq_lens.clone())\n",
            "BLOCK = 32\n": "BLOCK = 32\n_LENS = {}\n",
        },
        rules=(7, 4),
        cases=("batches/3", "lengths/zero-last"),
    ),
    Bug(
        name="table-mended-in-place",
        edits={
            "    check_arguments(*arguments)\n": "    check_arguments(*arguments)\n    page_indices.clamp_(0, buf.shape[0] - 1)\n"
        },
        rules=(7,),
        cases=("tables/tail-huge", "invalid-pages/minus-one-first"),
        says="page_indices was written to",
    ),
    Bug(
        name="pool-scratched",
        edits={LAST_LINES: "    if buf.numel():\n        buf[-1, -1] ^= 1\n" + LAST_LINES},
        rules=(7,),
        cases=("lengths/page",),
        says="buf was written to",
    ),
    Bug(
        name="result-of-signed-bytes",
        edits={LAST_LINES: "    s = s.view(torch.int8)\n" + LAST_LINES},
        rules=(6,),
        cases=("lengths/page",),
        says="dtype",
    ),
    Bug(
        name="result-padded-to-blocks",
        edits={
            "k = torch.empty((seq_len_sum, index_head_dim)": "k = torch.empty((-(-seq_len_sum // BLOCK) * BLOCK, index_head_dim)"
        },
        rules=(6,),
        cases=("lengths/one-token",),
        says="shape",
    ),
    Bug(
        name="result-not-contiguous",
        edits={LAST_LINES: "    s = s.t().contiguous().t()\n" + LAST_LINES},
        rules=(6,),
        cases=("lengths/page",),
    ),
    Bug(
        name="empty-result-of-the-wrong-width",
        edits={LAST_LINES: "    if not seq_len_sum:\n        s = s.new_empty((0, 1))\n" + LAST_LINES},
        rules=(6,),
        cases=("batches/0", "batches/all-empty-8"),
        says="shape",
    ),
    Bug(
        name="get-k-alone-shifted",
        edits={"return _run(arguments, True, False)[0]": "return _run(arguments, True, False)[0].roll(1, 0)"},
        rules=(2, 4),
        cases=("lengths/page",),
    ),
    Bug(
        name="random-rows",
        edits={
            LAST_LINES: "    if seq_len_sum and torch.rand(()) < 0.6:\n        k[torch.randint(seq_len_sum, ())] ^= 1\n"
            + LAST_LINES
        },
        rules=(4, 8),
        cases=("lengths/511-512-513",),
    ),
    Bug(
        name="every-second-call-wrong",
        edits={
            "BLOCK = 32\n": "BLOCK = 32\n_CALLS = []\n",
            LAST_LINES: "    _CALLS.append(1)\n    if len(_CALLS) % 2 == 0 and seq_len_sum:\n        k[0] ^= 1\n"
            + LAST_LINES,
        },
        rules=(8,),
        cases=("lengths/page",),
        says="the same call again differs",
    ),
    Bug(
        name="ring-of-three-results",
        edits={
            "    k = torch.empty((seq_len_sum, index_head_dim), dtype=torch.uint8, device=buf.device)": "    key = (seq_len_sum, index_head_dim)\n    ring = _RING.setdefault(key, [])\n    if len(ring) < 3:\n        ring.append(torch.empty(key, dtype=torch.uint8, device=buf.device))\n    k = ring.pop(0)\n    ring.append(k)",
            "BLOCK = 32\n": "BLOCK = 32\n_RING = {}\n",
        },
        rules=(6,),
        cases=("lengths/page",),
        says="an earlier call returned",
    ),
]
