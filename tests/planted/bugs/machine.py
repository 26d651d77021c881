"""More launches than one, waiting for the device, and code compiled for sizes."""

from tests.planted.bugs.bug import LAST_LINES, LAUNCH, Bug

MACHINE = [
    Bug(
        name="results-filled-first",
        edits={"k = torch.empty((seq_len_sum": "k = torch.zeros((seq_len_sum"},
        rules=(16,),
        cases=("lengths/page",),
        says="2 launches",
    ),
    Bug(
        name="table-copied",
        edits={
            "    check_arguments(*arguments)\n": "    check_arguments(*arguments)\n    page_indices = page_indices.to(torch.int64)\n"
        },
        rules=(16,),
        cases=("lengths/page",),
    ),
    Bug(
        name="launched-twice",
        edits={
            LAUNCH: "        _planted_kernel[(0 * batch + 1,)](\n            buf, page_indices, seq_lens, k, s, 0, 0, 0, 0, 0, 0, 0, 0, page_size, index_head_dim, 128, BLOCK, 1, True, True\n        )\n"
            + LAUNCH
        },
        rules=(16,),
        cases=("lengths/page",),
        says="2 launches",
    ),
    Bug(
        name="launched-for-nothing",
        edits={"if seq_len_sum > 0 and batch > 0:": "if batch > 0:"},
        rules=(16,),
        cases=("batches/all-empty-8",),
        says="1 launches, should be 0",
    ),
    Bug(
        name="length-read-on-the-host",
        edits={
            "    check_arguments(*arguments)\n": "    check_arguments(*arguments)\n    seq_len_sum = int(seq_lens.sum())\n"
        },
        rules=(17,),
        cases=("lengths/page",),
        says="waited for the device",
    ),
    Bug(
        name="lengths-read-as-a-list",
        edits={
            "    check_arguments(*arguments)\n": "    check_arguments(*arguments)\n    seq_len_sum = sum(seq_lens.tolist())\n"
        },
        rules=(17,),
        cases=("lengths/page",),
        says="Tensor.tolist",
    ),
    Bug(
        name="stream-waited-for",
        edits={LAST_LINES: "    torch.cuda.current_stream().synchronize()\n" + LAST_LINES},
        rules=(17,),
        cases=("lengths/page",),
        says="could not be captured",
        needs_gpu=True,
    ),
    Bug(
        name="stream-of-its-own",
        edits={
            "BLOCK = 32\n": "BLOCK = 32\n_STREAMS = {}\n",
            LAUNCH: "        current = torch.cuda.current_stream()\n        torch.cuda.set_stream(_STREAMS.setdefault(0, torch.cuda.Stream()))\n"
            + LAUNCH,
            LAST_LINES: "    if seq_len_sum > 0 and batch > 0:\n        torch.cuda.set_stream(current)\n" + LAST_LINES,
        },
        # It may also be too early for the arguments of the very first call.
        rules=(17, 4, 7),
        cases=("lengths/page",),
        needs_gpu=True,
    ),
    Bug(
        name="result-zeroed-by-a-foreach",
        edits={LAUNCH: "        torch._foreach_zero_([k, s])\n" + LAUNCH},
        rules=(16,),
        cases=("lengths/page",),
        says="2 launches",
    ),
    Bug(
        name="copied-before-it-is-refused",
        edits={
            "    check_arguments(*arguments)\n": "    buf.clone() if isinstance(buf, torch.Tensor) else None\n    check_arguments(*arguments)\n"
        },
        rules=(14,),
        cases=("bad-arguments/page-size-zero",),
        says="before it raised",
    ),
    Bug(
        name="compiled-for-each-total",
        edits={
            "    WITH_S: tl.constexpr,\n": "    WITH_S: tl.constexpr,\n    SIZE: tl.constexpr,\n",
            "            WITH_S=with_s,\n": "            WITH_S=with_s,\n            SIZE=seq_len_sum,\n",
        },
        rules=(18,),
        cases=("growth/lengths",),
        says="SIZE (12)",
    ),
    Bug(
        name="compiled-for-each-power-of-two",
        edits={
            "    WITH_S: tl.constexpr,\n": "    WITH_S: tl.constexpr,\n    SIZE: tl.constexpr,\n",
            "            WITH_S=with_s,\n": "            WITH_S=with_s,\n            SIZE=triton.next_power_of_2(arguments[4]),\n",
        },
        rules=(18,),
        cases=("growth/lengths",),
        says="SIZE (12)",
    ),
    Bug(
        name="compiled-for-each-batch",
        edits={
            "    WITH_S: tl.constexpr,\n": "    WITH_S: tl.constexpr,\n    SIZE: tl.constexpr,\n",
            "            WITH_S=with_s,\n": "            WITH_S=with_s,\n            SIZE=batch,\n",
        },
        rules=(18,),
        cases=("growth/batches",),
        says="SIZE (36)",
    ),
    Bug(
        name="compiled-for-each-table-width",
        edits={
            "    WITH_S: tl.constexpr,\n": "    WITH_S: tl.constexpr,\n    SIZE: tl.constexpr,\n",
            "            WITH_S=with_s,\n": "            WITH_S=with_s,\n            SIZE=max_pages,\n",
        },
        rules=(18,),
        cases=("growth/table-widths",),
        says="SIZE (12)",
    ),
    Bug(
        name="compiled-for-each-pool",
        edits={
            "    WITH_S: tl.constexpr,\n": "    WITH_S: tl.constexpr,\n    SIZE: tl.constexpr,\n",
            "            WITH_S=with_s,\n": "            WITH_S=with_s,\n            SIZE=buf.shape[0],\n",
        },
        rules=(18,),
        cases=("growth/pools",),
        says="SIZE (12)",
    ),
]
