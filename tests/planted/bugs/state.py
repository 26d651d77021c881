"""What outlives a call: launches, results, geometries and strides that are kept, and settings that are changed."""

from tests.planted.bugs.bug import LAST_LINES, Bug

_CHECK = "    check_arguments(*arguments)\n"
_NEW_K = "    k = torch.empty((seq_len_sum, index_head_dim), dtype=torch.uint8, device=buf.device)"


def _kept(name: str) -> dict[str, str]:
    """Return the edit that gives the module a dict of things to keep."""
    return {"BLOCK = 32\n": f"BLOCK = 32\n{name} = {{}}\n"}


def _ring(places: int) -> dict[str, str]:
    """Return the edits that give results of one shape out of a ring."""
    return {
        **_kept("_RING"),
        _NEW_K: "    key = (seq_len_sum, index_head_dim)\n    ring = _RING.setdefault(key, [])\n"
        f"    if len(ring) < {places}:\n        ring.append(torch.empty(key, dtype=torch.uint8, device=buf.device))\n"
        "        k = ring[-1]\n    else:\n        k = ring.pop(0)\n        ring.append(k)",
    }


def _at_the_end(statement: str) -> dict[str, str]:
    return {LAST_LINES: f"    {statement}\n{LAST_LINES}"}


STATE = [
    Bug(
        # tt-metal 54138: the launch is cached without the shape.
        name="grid-of-the-first-call",
        edits={
            **_kept("_GRID"),
            "grid = (seq_len_sum // BLOCK + batch,)": "grid = _GRID.setdefault(batch, (seq_len_sum // BLOCK + batch,))",
        },
        rules=(7,),
        cases=("state/lengths",),
        says="right alone",
    ),
    Bug(
        # TensorRT-LLM 16223: tokens of a page are frozen by the first call.
        name="page-size-of-the-first-call",
        edits={**_kept("_SIZE"), "PAGE_SIZE=page_size": "PAGE_SIZE=_SIZE.setdefault('page', page_size)"},
        rules=(7,),
        cases=("state/geometries",),
        says="after call 1 with page_size 64, not 16, and right alone",
    ),
    Bug(
        name="table-strides-of-the-first-call",
        edits={
            **_kept("_STRIDES"),
            "            page_indices.stride(0),\n": "            _STRIDES.setdefault(page_indices.shape, page_indices.stride(0)),\n",
        },
        rules=(7,),
        cases=("state/strides",),
        says="right alone",
    ),
    Bug(
        name="pool-stride-of-the-first-call",
        edits={
            **_kept("_STRIDES"),
            "            buf.stride(0),\n": "            _STRIDES.setdefault(buf.shape[1], buf.stride(0)),\n",
        },
        rules=(7,),
        cases=("state/strides",),
        says="with pool_row_gap 0, not 16, and right alone",
    ),
    *(
        Bug(
            name=f"ring-of-{places}-results",
            edits=_ring(places),
            rules=(7,),
            cases=("state/many-calls",),
            says=f"call {places + 1} returned results in the memory of the K of call 1",
        )
        for places in (4, 16)
    ),
    Bug(
        name="results-kept-for-ever",
        edits={**_kept("_ALL"), **_at_the_end("_ALL[len(_ALL)] = (k, s)")},
        rules=(7,),
        cases=("state/many-calls",),
        says="memory grows from call to call",
    ),
    Bug(
        name="default-dtype-changed",
        edits={_CHECK: _CHECK + "    torch.set_default_dtype(torch.float64)\n"},
        rules=(7,),
        cases=("state/lengths",),
        says="call 1 changed the default dtype from torch.float32 to torch.float64",
    ),
    Bug(
        name="random-numbers-drawn",
        edits={_CHECK: _CHECK + "    torch.rand(1)\n"},
        rules=(7,),
        cases=("state/lengths",),
        says="changed torch's random state",
    ),
    Bug(
        name="seed-set",
        edits={_CHECK: _CHECK + "    __import__('random').seed(0)\n"},
        rules=(7,),
        cases=("state/lengths",),
        says="changed Python's random state",
    ),
    Bug(
        name="grad-mode-changed",
        edits={_CHECK: _CHECK + "    torch.set_grad_enabled(False)\n"},
        rules=(7,),
        cases=("state/lengths",),
        says="changed the grad mode from True to False",
    ),
]
