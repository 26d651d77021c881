"""A counterexample as a row of the catalogue, to paste."""

from collections.abc import Sequence
from typing import Any

from tests.contract import Rule
from tests.instruments.proof.replay import Counterexample


def row_of(example: Counterexample, rule: Rule, function: str) -> str:
    """Return the row, as near to the counterexample as a row can say: tensors lie as the family `tables` lays them."""
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
    fields["num_pages"], fields["table_width"] = n["num_pages"], n["max_pages"]
    fields["page_at"] = _pages(example, batch)
    for name in ("page_size", "index_head_dim", "table_dtype", "lens_dtype"):
        fields[name] = setting[name]
    usual = {"page_size": 64, "index_head_dim": 128, "table_dtype": "int32", "lens_dtype": "int64"}
    usual |= {"seq_len_sum_error": 0, "max_seq_len_error": 0, "page_at": {}}
    shown = {name: value for name, value in fields.items() if name not in usual or usual[name] != value}
    return f"Case({', '.join(f'{name}={_text(value)}' for name, value in shown.items())}),"


def _lengths(example: Counterexample, batch: int) -> tuple[int, ...]:
    width = 4 if example.setting["lens_dtype"] == "int32" else 8
    step = max(width * example.numbers["lengths_stride"], 1)
    known = {offset: number for root, offset, _, number in example.reads if root == "seq_lens"}
    return tuple(known.get(sequence * step, 0) for sequence in range(batch))


def _pages(example: Counterexample, batch: int) -> dict[tuple[int, int], int]:
    n = example.numbers
    width = 4 if example.setting["table_dtype"] == "int32" else 8
    row = width * max(n["table_stride"], 1)
    pages: dict[tuple[int, int], int] = {}
    for root, offset, _, number in example.reads:
        if root == "page_indices" and 0 <= offset < batch * row and n["table_step"] == 1:
            pages[offset // row, offset % row // width] = number
    return pages


def _text(value: Any) -> str:
    """Return a value as Python writes it; many equal numbers as a product."""
    if isinstance(value, Sequence) and not isinstance(value, str) and len(value) > 8 and len(set(value)) == 1:
        return f"({value[0]},) * {len(value)}"
    return repr(value).replace("'", '"')
