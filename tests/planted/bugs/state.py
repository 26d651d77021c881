"""What outlives a call: launches, results, geometries and strides that are kept, and settings that are changed."""

from tests.planted.bugs.bug import NEW_K, Bug, after_the_check, at_the_end, cites, kept


def _ring(places: int) -> dict[str, str]:
    """Return the edits that give results of one shape out of a ring."""
    return {
        **kept("_RING"),
        NEW_K: NEW_K + "\n    key = (seq_len_sum, index_head_dim)\n    ring = _RING.setdefault(key, [])\n"
        f"    if len(ring) < {places}:\n        ring.append(torch.empty(key, dtype=torch.uint8, device=buf.device))\n"
        "        k = ring[-1]\n    else:\n        k = ring.pop(0)\n        ring.append(k)",
    }


STATE = [
    Bug(
        # tt-metal 54138: the launch is cached without the shape.
        name="grid-of-the-first-call",
        edits={
            **kept("_GRID"),
            "grid = (seq_len_sum // BLOCK + batch,)": "grid = _GRID.setdefault(batch, (seq_len_sum // BLOCK + batch,))",
        },
        **cites(7, on="state/lengths", says="right alone"),
    ),
    Bug(
        # TensorRT-LLM 16223: tokens of a page are frozen by the first call.
        name="page-size-of-the-first-call",
        edits={**kept("_SIZE"), "PAGE_SIZE=page_size": "PAGE_SIZE=_SIZE.setdefault('page', page_size)"},
        **cites(7, on="state/geometries", says="after call 1 with page_size 64, not 16, and right alone"),
    ),
    Bug(
        name="table-strides-of-the-first-call",
        edits={
            **kept("_STRIDES"),
            "            page_indices.stride(0),\n": "            _STRIDES.setdefault(page_indices.shape, page_indices.stride(0)),\n",
        },
        **cites(7, on="state/strides", says="right alone"),
    ),
    Bug(
        name="pool-stride-of-the-first-call",
        edits={
            **kept("_STRIDES"),
            "            buf.stride(0),\n": "            _STRIDES.setdefault(buf.shape[1], buf.stride(0)),\n",
        },
        **cites(7, on="state/strides", says="with pool_row_gap 0, not 16, and right alone"),
    ),
    *(
        Bug(
            name=f"ring-of-{places}-results",
            edits=_ring(places),
            **cites(
                7, on="state/many-calls", says=f"call {places + 1} returned results in the memory of the K of call 1"
            ),
        )
        for places in (4, 16)
    ),
    Bug(
        name="results-kept-for-ever",
        edits={**kept("_ALL"), **at_the_end("_ALL[len(_ALL)] = (k, s)")},
        **cites(7, on="state/many-calls", says="memory grows from call to call"),
    ),
    Bug(
        name="default-dtype-changed",
        edits=after_the_check("torch.set_default_dtype(torch.float64)"),
        **cites(7, on="state/lengths", says="call 1 changed the default dtype from torch.float32 to torch.float64"),
    ),
    Bug(
        name="random-numbers-drawn",
        edits=after_the_check("torch.rand(1)"),
        **cites(7, on="state/lengths", says="changed torch's random state"),
    ),
    Bug(
        name="seed-set",
        edits=after_the_check("__import__('random').seed(0)"),
        **cites(7, on="state/lengths", says="changed Python's random state"),
    ),
    Bug(
        name="grad-mode-changed",
        edits=after_the_check("torch.set_grad_enabled(False)"),
        **cites(7, on="state/lengths", says="changed the grad mode from True to False"),
    ),
]
