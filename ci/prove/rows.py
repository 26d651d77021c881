"""A counterexample as a row of the catalogue, to paste."""

from collections.abc import Sequence
from typing import Any

from tests.contract import Rule
from tests.instruments.proof.replay import Counterexample


def row_of(example: Counterexample, rule: Rule, function: str) -> str | None:
    """Return the row; None where a row cannot say how the tensors lie."""
    layouts = _layouts(example)
    if layouts is None:
        return None
    n, setting = example.numbers, example.setting
    batch = n["batch"]
    device = _lengths(example, batch)
    fields: dict[str, Any] = {"name": f"proof-{function.replace('_', '-')}-{example.root.replace('_', '-')}"}
    fields["rules"] = (int(rule),)
    is_believed = all(0 <= length <= n["max_seq_len"] for length in device)
    believed = device if is_believed else tuple(min(n["max_seq_len"], max(0, length)) for length in device)
    fields["seq_lens"] = believed
    fields["seq_len_sum_error"] = n["seq_len_sum"] - sum(believed)
    fields["max_seq_len_error"] = n["max_seq_len"] - max(believed, default=0)
    if believed != device:
        fields["device_seq_lens"] = device
    needed = [-(-length // setting["page_size"]) for length in believed]
    # A row's sequences have pages of their own.
    fields["num_pages"] = max(n["num_pages"], sum(needed))
    fields["page_at"] = _pages(example, batch)
    fields |= _columns(n["max_pages"], max(needed, default=0), [place for _, place in fields["page_at"]])
    fields |= layouts
    if rule is not Rule.DISAGREEMENT and (believed != device or fields["seq_len_sum_error"]):
        fields["rules"] = (int(rule), int(Rule.DISAGREEMENT))
    for name in ("page_size", "index_head_dim", "table_dtype", "lens_dtype"):
        fields[name] = setting[name]
    usual = {"page_size": 64, "index_head_dim": 128, "table_dtype": "int32", "lens_dtype": "int64"}
    usual |= {"seq_len_sum_error": 0, "max_seq_len_error": 0, "page_at": {}, "pool_offset": 0, "pool_row_gap": 0}
    usual |= {"pool_byte_step": 1, "table_layout": "contiguous", "lens_layout": "contiguous"}
    shown = {name: value for name, value in fields.items() if name not in usual or usual[name] != value}
    return f"Case({', '.join(f'{name}={_text(value)}' for name, value in shown.items())}),"


def _layouts(example: Counterexample) -> dict[str, Any] | None:
    n, setting = example.numbers, example.setting
    width, batch = n["max_pages"], n["batch"]
    tables = {"contiguous": (width, 1), "sliced": (width + 5, 1), "transposed": (1, max(batch, 1))}
    tables |= {"every_other_column": (2 * width, 2), "one_row_for_all": (0, 1)}
    table = [
        name
        for name, (stride, step) in tables.items()
        if (stride == n["table_stride"] or batch <= 1) and (step == n["table_step"] or width <= 1)
    ]
    steps = {"contiguous": 1, "every_other": 2, "one_for_all": 0}
    lengths = [name for name, step in steps.items() if step == n["lengths_stride"] or batch <= 1]
    row = setting["page_size"] * (setting["index_head_dim"] + 4)
    gap = n["page_stride"] - row * n["byte_stride"] if n["num_pages"] > 1 else 0
    if not table or not lengths or gap < 0 or not n["byte_stride"]:
        return None
    found = {"table_layout": table[0], "lens_layout": lengths[0], "pool_row_gap": gap}
    return {**found, "pool_byte_step": n["byte_stride"], "pool_offset": setting["misaligned"]}


def _lengths(example: Counterexample, batch: int) -> tuple[int, ...]:
    width = 4 if example.setting["lens_dtype"] == "int32" else 8
    step = max(width * example.numbers["lengths_stride"], 1)
    known = {offset: number for root, offset, _, number in example.reads if root == "seq_lens"}
    return tuple(known.get(sequence * step, 0) for sequence in range(batch))


def _columns(width: int, needed: int, named: Sequence[int]) -> dict[str, int]:
    """Return how wide the table is: no column more, or what is read past it would lie in it."""
    filled = max([needed, *(place + 1 for place in named)])
    return {"spare_columns": filled - needed, **({"table_width": width} if width > filled else {})}


def _pages(example: Counterexample, batch: int) -> dict[tuple[int, int], int]:
    n = example.numbers
    width = 4 if example.setting["table_dtype"] == "int32" else 8
    row = width * max(n["table_stride"], 1)
    pages: dict[tuple[int, int], int] = {}
    for root, offset, _, number in example.reads:
        if root == "page_indices" and 0 <= offset < batch * row and n["table_step"] == 1:
            sequence, place = offset // row, offset % row // width
            if place < n["max_pages"]:
                pages[sequence, place] = number
    return pages


def _text(value: Any) -> str:
    """Return a value as Python writes it; many equal numbers as a product."""
    if isinstance(value, Sequence) and not isinstance(value, str) and len(value) > 8 and len(set(value)) == 1:
        return f"({value[0]},) * {len(value)}"
    return repr(value).replace("'", '"')
