"""Results that are not new, not whole or not theirs, and state that survives a call."""

from tests.planted.bugs.bug import NEW_K, Bug, after_the_check, at_the_end, cites, kept

RESULTS = [
    Bug(
        name="result-reused",
        edits={
            NEW_K: NEW_K
            + "\n    shape = (seq_len_sum, index_head_dim)\n    k = _K.setdefault((shape, buf.device), torch.empty(shape, dtype=torch.uint8, device=buf.device))",
            **kept("_K"),
        },
        **cites(6, on=("lengths/page", "batches/3")),
    ),
    Bug(
        name="smaller-result-cut-from-a-larger-one",
        edits={
            NEW_K: NEW_K
            + "\n    if index_head_dim not in _K or len(_K[index_head_dim]) <= seq_len_sum:\n        _K[index_head_dim] = torch.empty((seq_len_sum, index_head_dim), dtype=torch.uint8, device=buf.device)\n    k = _K[index_head_dim][:seq_len_sum]",
            **kept("_K"),
        },
        **cites(6, on=("lengths/page", "tables/sliced"), says="an earlier call returned"),
    ),
    Bug(
        name="answer-kept-by-address",
        edits={
            **after_the_check(
                "key = (*(a.data_ptr() for a in arguments[:3]), *arguments[3:], with_k, with_s)",
                "if key in _KEPT:",
                "    return tuple(kept.clone() for kept in _KEPT[key])",
            ),
            **at_the_end("_KEPT[key] = (k.clone(), s.clone())"),
            **kept("_KEPT"),
        },
        **cites(7, on=("lengths/page-plus-one", "tables/reversed"), says="call before"),
    ),
    Bug(
        name="lengths-kept-by-version",
        edits={
            **after_the_check(
                "key = (seq_lens.data_ptr(), seq_lens._version, seq_len_sum)",
                "seq_lens = _LENS.setdefault(key, seq_lens.clone())",
            ),
            **kept("_LENS"),
        },
        **cites(7, 4, on=("batches/3", "lengths/zero-last")),
    ),
    Bug(
        name="table-mended-in-place",
        edits=after_the_check("page_indices.clamp_(0, buf.shape[0] - 1)"),
        **cites(7, on=("tables/tail-huge", "invalid-pages/minus-one-first"), says="page_indices was written to"),
    ),
    Bug(
        name="pool-scratched",
        edits=at_the_end("if buf.numel():", "    buf[-1, -1] ^= 1"),
        **cites(7, on="lengths/page", says="buf was written to"),
    ),
    Bug(
        name="result-of-signed-bytes",
        edits=at_the_end("s = s.view(torch.int8)"),
        **cites(6, on="lengths/page", says="dtype"),
    ),
    Bug(
        name="result-padded-to-blocks",
        edits={NEW_K: NEW_K + "\n    k = k.new_empty((-(-seq_len_sum // BLOCK) * BLOCK, index_head_dim))"},
        **cites(6, on="lengths/one-token", says="shape"),
    ),
    Bug(name="result-not-contiguous", edits=at_the_end("s = s.t().contiguous().t()"), **cites(6, on="lengths/page")),
    Bug(
        name="empty-result-of-the-wrong-width",
        edits=at_the_end("if not seq_len_sum:", "    s = s.new_empty((0, 1))"),
        **cites(6, on=("batches/0", "batches/all-empty-8"), says="shape"),
    ),
    Bug(
        name="get-k-alone-shifted",
        edits={"return _run(arguments, True, False)[0]": "return _run(arguments, True, False)[0].roll(1, 0)"},
        **cites(2, 4, on="lengths/page"),
    ),
    Bug(
        name="random-rows",
        edits=at_the_end("if seq_len_sum and torch.rand(()) < 0.6:", "    k[torch.randint(seq_len_sum, ())] ^= 1"),
        **cites(4, 8, on="lengths/511-512-513"),
    ),
    Bug(
        name="every-second-call-wrong",
        edits={
            "BLOCK = 32\n": "BLOCK = 32\n_CALLS = []\n",
            **at_the_end("_CALLS.append(1)", "if len(_CALLS) % 2 == 0 and seq_len_sum:", "    k[0] ^= 1"),
        },
        **cites(8, on="lengths/page", says="the same call again differs"),
    ),
    Bug(
        name="ring-of-three-results",
        edits={
            NEW_K: NEW_K
            + "\n    key = (seq_len_sum, index_head_dim)\n    ring = _RING.setdefault(key, [])\n    if len(ring) < 3:\n        ring.append(torch.empty(key, dtype=torch.uint8, device=buf.device))\n    k = ring.pop(0)\n    ring.append(k)",
            **kept("_RING"),
        },
        **cites(6, on="lengths/page", says="an earlier call returned"),
    ),
]
