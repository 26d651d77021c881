"""What other signatures ask for, in words: each is an expression over the seven arguments of the contract.

Data. `Foreign` evaluates the words that a declaration names, and a reproduction prints them as lines of its script.
"""

import ast
from collections.abc import Iterable
from functools import cache

SEVEN = ("buf", "page_indices", "seq_lens", "seq_len_sum", "max_seq_len", "page_size", "index_head_dim")

WORDS = {
    # The pool, in other shapes of the same bytes.
    "pages": "buf[:, : page_size * (index_head_dim + 4)].unflatten(1, (page_size, index_head_dim + 4))",
    "tokens": "pages.flatten(0, 1).unsqueeze(1)",
    "flat_pool": "buf.view(-1)",
    "k_pages": "buf[:, : page_size * index_head_dim].unflatten(1, (page_size, index_head_dim))",
    "s_pages": "buf[:, page_size * index_head_dim :].unflatten(1, (page_size, 4))",
    # Results that the caller gives.
    "k": "torch.empty((seq_len_sum, index_head_dim), dtype=torch.uint8, device=buf.device)",
    "s": "torch.empty((seq_len_sum, 4), dtype=torch.uint8, device=buf.device)",
    "k_zeros": "torch.zeros((seq_len_sum, index_head_dim), dtype=torch.uint8, device=buf.device)",
    "s_zeros": "torch.zeros((seq_len_sum, 4), dtype=torch.uint8, device=buf.device)",
    # Lengths.
    "batch": "seq_lens.shape[0]",
    "num_pages": "buf.shape[0]",
    "pool": (
        "SimpleNamespace(page_size=page_size, index_head_dim=index_head_dim, quant_block_size=index_head_dim,"
        " device=buf.device)"
    ),
    "max_pages": "page_indices.shape[1]",
    "cu_seq_lens": "torch.nn.functional.pad(seq_lens.cumsum(0), (1, 0)).to(torch.int32)",
    "first_rows": "(seq_lens.cumsum(0) - seq_lens).to(torch.int32)",
    "sequence_ids": "torch.arange(batch, dtype=torch.int32, device=buf.device)",
    # A number for each row of the result. They stay in range whatever the lengths are.
    "rows": "torch.arange(seq_len_sum, device=buf.device)",
    "ends": "seq_lens.to(torch.int64).cumsum(0)",
    "sequence_of_row": "torch.searchsorted(ends, rows, right=True).clamp(max=max(batch - 1, 0))",
    "token_of_row": "(rows - (ends - seq_lens)[sequence_of_row]).clamp(min=0, max=max_pages * page_size - 1)",
    "page_of_row": "page_indices[sequence_of_row, token_of_row // page_size].to(torch.int64)",
    "token_to_seq": "sequence_of_row.to(torch.int32)",
    "slots": "page_of_row * page_size + token_of_row % page_size",
    "k_bytes": "page_of_row * buf.shape[1] + token_of_row % page_size * index_head_dim",
    "s_bytes": "page_of_row * buf.shape[1] + page_size * index_head_dim + token_of_row % page_size * 4",
    # A number for each token of each sequence.
    "token_columns": "torch.arange(max_seq_len, device=buf.device)",
    "slot_table": "page_indices[:, token_columns // page_size].to(torch.int64) * page_size + token_columns % page_size",
    # One sequence a call: its number is `sequence`, its length `seq_len`, the row at which it begins `first_row`.
    "pages_of_sequence": "page_indices[sequence]",
    "k_of_sequence": "k[first_row : first_row + seq_len]",
    "s_of_sequence": "s[first_row : first_row + seq_len]",
}
"""By word. An expression may use other words, the seven arguments, torch, and SimpleNamespace."""

SEQUENCE = ("sequence", "seq_len", "first_row")
"""What there is besides where a call is about one sequence."""

CASTS = {
    "int32": "{}.to(torch.int32)",
    "int64": "{}.to(torch.int64)",
    "fp8": "{}.view(torch.float8_e4m3fn)",
    "fp32": "{}.view(torch.float32)",
    "flat": "{}.reshape(-1)",
    "contiguous": "{}.contiguous()",
}
"""What may stand behind a word and a colon, several of them one after the other: `s:fp32:flat`."""

RESULTS = {"k": ("k", "k_zeros", "k_of_sequence"), "s": ("s", "s_zeros", "s_of_sequence")}
"""Words for results, by the part that they hold."""


def names_in(expression: str) -> list[str]:
    """Return the words and arguments that an expression uses, each once, in order."""
    names = [node.id for node in ast.walk(ast.parse(expression, mode="eval")) if isinstance(node, ast.Name)]
    return [name for name in dict.fromkeys(names) if name in WORDS or name in SEVEN or name in SEQUENCE]


@cache
def expression_of(word: str) -> str:
    """Return a word with its casts as an expression, `s:fp32` as `s.view(torch.float32)`.

    Raises:
        ValueError: it is no word, or a cast is none.
    """
    name, *casts = word.split(":")
    if name not in WORDS and name not in SEVEN and name not in SEQUENCE:
        known = ", ".join([*SEVEN, *WORDS, *SEQUENCE])
        raise ValueError(f"{name!r} is no word for an argument; expected one of {known}, or Constant({name!r})")
    for cast in casts:
        if cast not in CASTS:
            raise ValueError(f"{word!r}: {cast!r} is no cast; expected one of {', '.join(CASTS)}")
        name = CASTS[cast].format(name)
    return name


def in_order(words: Iterable[str]) -> list[str]:
    """Return the words that some words, which may have casts, are made of, those that others need first."""
    found: dict[str, None] = {}

    def visit(name: str) -> None:
        if name in WORDS and name not in found:
            for needed in names_in(WORDS[name]):
                visit(needed)
            found[name] = None

    for word in words:
        visit(word.partition(":")[0])
    return list(found)


def arguments_behind(word: str) -> frozenset[str]:
    """Return which of the seven arguments a word is made of."""
    name = word.partition(":")[0]
    needed = [name, *in_order([name])]
    used = {used for of in needed for used in ([of] if of in SEVEN else names_in(WORDS.get(of, "0")))}
    if name in SEQUENCE:
        used.add("seq_lens")
    return frozenset(used & set(SEVEN))
