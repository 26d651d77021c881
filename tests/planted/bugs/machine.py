"""More launches than one, waiting for the device, and code compiled for sizes."""

from tests.planted.bugs.bug import CHECK, LAUNCH, Bug, after_the_check, at_the_end, cites, constant, kept

MACHINE = [
    Bug(
        name="results-filled-first",
        edits={"k = torch.empty((seq_len_sum": "k = torch.zeros((seq_len_sum"},
        **cites(16, on="lengths/page", says="2 launches"),
    ),
    Bug(
        name="table-copied",
        edits=after_the_check("page_indices = page_indices.to(torch.int64)"),
        **cites(16, on="lengths/page"),
    ),
    Bug(
        name="launched-twice",
        edits={
            LAUNCH: "        _planted_kernel[(0 * batch + 1,)](\n            buf, page_indices, seq_lens, k, s, 0, 0, 0, 0, 0, 0, 0, 0, page_size, index_head_dim, 128, BLOCK, 1, True, True\n        )\n"
            + LAUNCH
        },
        **cites(16, on="lengths/page", says="2 launches"),
    ),
    Bug(
        name="launched-for-nothing",
        edits={"if seq_len_sum > 0 and batch > 0:": "if batch > 0:"},
        **cites(16, on="batches/all-empty-8", says="1 launches, should be 0"),
    ),
    Bug(
        name="length-read-on-the-host",
        edits=after_the_check("seq_len_sum = int(seq_lens.sum())"),
        **cites(17, on="lengths/page", says="waited for the device"),
    ),
    Bug(
        name="lengths-read-as-a-list",
        edits=after_the_check("seq_len_sum = sum(seq_lens.tolist())"),
        **cites(17, on="lengths/page", says="Tensor.tolist"),
    ),
    Bug(
        name="stream-waited-for",
        edits=at_the_end("torch.cuda.current_stream().synchronize()"),
        **cites(17, on="lengths/page", says="could not be captured"),
        needs_gpu=True,
    ),
    Bug(
        name="stream-of-its-own",
        edits={
            **kept("_STREAMS"),
            LAUNCH: "        current = torch.cuda.current_stream()\n        torch.cuda.set_stream(_STREAMS.setdefault(0, torch.cuda.Stream()))\n"
            + LAUNCH,
            **at_the_end("if seq_len_sum > 0 and batch > 0:", "    torch.cuda.set_stream(current)"),
        },
        # It may also be too early for the arguments of the very first call.
        **cites(17, 4, 7, on="lengths/page"),
        needs_gpu=True,
    ),
    Bug(
        name="result-zeroed-by-a-foreach",
        edits={LAUNCH: "        torch._foreach_zero_([k, s])\n" + LAUNCH},
        **cites(16, on="lengths/page", says="2 launches"),
    ),
    Bug(
        name="copied-before-it-is-refused",
        edits={CHECK: "    buf.clone() if isinstance(buf, torch.Tensor) else None\n    check_arguments(*arguments)\n"},
        **cites(14, on="bad-arguments/page-size-zero", says="before it raised"),
    ),
    *(
        Bug(
            name=f"compiled-for-each-{name}",
            edits=constant("SIZE", size),
            **cites(18, on=f"growth/{grows}", says=f"SIZE ({count})"),
        )
        for name, size, grows, count in [
            ("total", "seq_len_sum", "lengths", 12),
            ("power-of-two", "triton.next_power_of_2(arguments[4])", "lengths", 12),
            ("batch", "batch", "batches", 36),
            ("table-width", "max_pages", "table-widths", 12),
            ("pool", "buf.shape[0]", "pools", 12),
        ]
    ),
]
