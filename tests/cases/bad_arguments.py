"""Calls that must be refused before any launch, with an error that names the argument."""

from collections.abc import Callable
from typing import Any

from tests.cases.case import ArgumentName, BadArgument, Case, family

QUESTION = "arguments"


def _bad(name: str, argument: ArgumentName, change: Callable[[Any], Any], *also: ArgumentName) -> Case:
    """Return a case that spoils `argument` with what `change` makes of the seven arguments.

    `also` are other arguments that an error may name as well, where two of them contradict each other.
    """

    return _bad_together(name, argument, lambda a: a._replace(**{argument: change(a)}), *also)


def _bad_together(name: str, argument: ArgumentName, spoil: Callable[[Any], Any], *also: ArgumentName) -> Case:
    """Return a case that spoils `argument` by what `spoil` makes of all seven arguments."""
    return Case(
        name=f"{argument.replace('_', '-')}-{name}",
        rules=(14,),
        seq_lens=(70, 30),
        bad=BadArgument(names=(argument, *also), change=spoil),
    )


def _nothing_past_the_table(arguments: Any) -> Any:
    return arguments._replace(seq_len_sum=0, max_seq_len=arguments.page_indices.shape[1] * arguments.page_size + 1)


def _torch() -> Any:
    """Return torch, once a call is spoilt: who only names cases does without its import, which takes seconds."""
    import torch

    return torch


CASES = family(
    "bad-arguments",
    [
        _bad("int8", "buf", lambda a: a.buf.view(_torch().int8)),
        _bad("float8", "buf", lambda a: a.buf.view(_torch().float8_e4m3fn)),
        _bad("int32", "buf", lambda a: a.buf.view(_torch().int32)),
        _bad("flat", "buf", lambda a: a.buf.flatten()),
        _bad("3d", "buf", lambda a: a.buf[None]),
        _bad("3d-last", "buf", lambda a: a.buf[:, :, None]),
        _bad("bool", "buf", lambda a: a.buf.bool()),
        _bad("row-too-short", "buf", lambda a: a.buf[:, :-1], "page_size", "index_head_dim"),
        _bad("row-too-long", "buf", lambda a: _torch().cat([a.buf, a.buf[:, :4]], 1), "page_size", "index_head_dim"),
        _bad("other-device", "buf", lambda a: a.buf.to("meta"), "page_indices", "seq_lens"),
        # An empty one: the interpreter would spread each element of an array over all lanes of a block.
        _bad("not-a-tensor", "buf", lambda a: a.buf[:0].numpy(force=True)),
        _bad("float32", "page_indices", lambda a: a.page_indices.float()),
        _bad("int16", "page_indices", lambda a: a.page_indices.short()),
        _bad("uint32", "page_indices", lambda a: a.page_indices.view(_torch().uint32)),
        _bad("no-rows", "page_indices", lambda a: a.page_indices[:0], "seq_lens"),
        _bad("flat", "page_indices", lambda a: a.page_indices.flatten()),
        _bad("3d", "page_indices", lambda a: a.page_indices[None]),
        _bad("other-device", "page_indices", lambda a: a.page_indices.to("meta"), "buf"),
        _bad("one-row-more", "page_indices", lambda a: _torch().cat([a.page_indices] * 2), "seq_lens"),
        _bad("one-row-less", "page_indices", lambda a: a.page_indices[:1], "seq_lens"),
        _bad("too-narrow", "page_indices", lambda a: a.page_indices[:, :1], "max_seq_len"),
        _bad("none", "page_indices", lambda a: None),
        _bad("float64", "seq_lens", lambda a: a.seq_lens.double()),
        _bad("uint8", "seq_lens", lambda a: a.seq_lens.to(_torch().uint8)),
        _bad("int16", "seq_lens", lambda a: a.seq_lens.short()),
        _bad("bool", "seq_lens", lambda a: a.seq_lens.bool()),
        _bad("empty", "seq_lens", lambda a: a.seq_lens[:0], "page_indices"),
        _bad("2d", "seq_lens", lambda a: a.seq_lens[:, None]),
        _bad("scalar", "seq_lens", lambda a: a.seq_lens[0]),
        _bad("other-device", "seq_lens", lambda a: a.seq_lens.to("meta"), "buf"),
        _bad("one-more", "seq_lens", lambda a: _torch().cat([a.seq_lens, a.seq_lens[:1]]), "page_indices"),
        _bad("list", "seq_lens", lambda a: a.seq_lens.tolist()),
        _bad("negative", "seq_len_sum", lambda a: -1),
        _bad("float", "seq_len_sum", lambda a: 100.0),
        _bad("tensor", "seq_len_sum", lambda a: _torch().tensor(100)),
        _bad("negative", "max_seq_len", lambda a: -1),
        _bad("past-the-table", "max_seq_len", lambda a: a.page_indices.shape[1] * a.page_size + 1, "page_indices"),
        _bad("none", "max_seq_len", lambda a: None),
        _bad("float", "max_seq_len", lambda a: 70.0),
        _bad("tensor", "max_seq_len", lambda a: _torch().tensor(70)),
        _bad_together("past-the-table-of-nothing", "max_seq_len", _nothing_past_the_table, "page_indices"),
        _bad("zero", "page_size", lambda a: 0),
        _bad("negative", "page_size", lambda a: -a.page_size),
        _bad("not-the-buffers", "page_size", lambda a: a.page_size + 32, "buf", "index_head_dim"),
        _bad("float", "page_size", lambda a: float(a.page_size)),
        _bad("none", "page_size", lambda a: None),
        # Here no other check helps: the rows of buf are as long as these sizes ask for.
        _bad_together(
            "zero-that-fits", "page_size", lambda a: a._replace(page_size=0, buf=a.buf[:, :0], max_seq_len=0)
        ),
        _bad("zero", "index_head_dim", lambda a: 0),
        _bad("negative", "index_head_dim", lambda a: -a.index_head_dim),
        _bad("not-the-buffers", "index_head_dim", lambda a: a.index_head_dim + 64, "buf", "page_size"),
        _bad("float", "index_head_dim", lambda a: float(a.index_head_dim)),
        _bad_together(
            "zero-that-fits", "index_head_dim", lambda a: a._replace(page_size=a.buf.shape[1] // 4, index_head_dim=0)
        ),
        _bad("string", "index_head_dim", lambda a: str(a.index_head_dim)),
    ],
)

SPOILT = {case.name: case.bad for case in CASES}
"""How each is spoilt, by the case's name."""
