"""Stand-alone scripts that show a finding: torch, Triton and the kernel are all that they need.

The scripts are made in a process of their own, since it takes the implementation to know how it is called.
"""

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ci.examination.script import CHECK_REFUSED, CHECK_ROWS, CONTENTS, HEAD, PLACES
from ci.processes import CannotRun, Process, serve, tell
from tests.examine.finding import Finding
from tests.examine.selection import Selection

SHOWN_BY = {1, 3, 4, 5, 6, 7, 9, 10, 11, 12, 14}
"""Rules whose breaking shows in what a call returns, raises or does to its arguments."""
MOST_ENTRIES = 20_000
"""Entries of a page table that a script may list."""


def scripts(selection: Selection, findings: Sequence[Finding]) -> list[str | None]:
    """Return a script for each finding, or None where none can show it."""
    order = {"selection": selection.as_json(), "findings": [finding.as_json() for finding in findings]}
    try:
        with Process("ci.examination.reproduction", "reproduction.log", patience=300.0) as process:
            (told,) = process.messages(order)
    except CannotRun:
        return [None for _ in findings]
    return list(told["scripts"])


def script_of(selection: Selection, finding: Finding, functions: Mapping[str, Any], case: Any) -> str | None:
    """Return the script that shows a finding on its case, or None."""
    import torch

    from kernels.peers.foreign import foreign_in
    from tests.calls.inputs import Inputs
    from tests.instruments.red_zones import RedZonedMemory

    is_plain = not (case.calls or case.grows or case.rows_are_open) and "after" not in finding.details
    if finding.rule not in SHOWN_BY or not is_plain or case.content != "coded":
        return None
    adapter = foreign_in(functions[finding.function])
    gather = _import_of(selection.implementation, finding.function, functions[finding.function])
    if gather is None:
        return None
    inputs = Inputs(case, torch.device("cpu"), RedZonedMemory())
    table = inputs.plan.page_table
    if table.size > MOST_ENTRIES:
        return None
    spoilt = case.bad.change(inputs.arguments) if case.bad else inputs.arguments
    given = {name: _described(name, value, inputs.arguments) for name, value in spoilt._asdict().items()}
    arguments = inputs.arguments
    page_list = "torch.arange(num_pages)"
    if len(inputs.plan.filled_pages) < inputs.plan.num_pages:
        page_list = f"torch.tensor({inputs.plan.filled_pages.tolist()})"
    head = HEAD.format(
        title=f"Rule {int(finding.rule)}, {finding.rule.text}: shown by {case.id}.",
        gather=gather,
        page_size=case.page_size,
        index_head_dim=case.index_head_dim,
        num_pages=inputs.plan.num_pages,
        page_bytes=case.page_bytes,
        seq_len_sum=case.seq_len_sum,
        max_seq_len=case.max_seq_len,
        lengths=list(case.seq_lens),
        contents=CONTENTS[case.layout],
        buf=_placed(arguments.buf),
        page_list=page_list,
        table=_placed(arguments.page_indices),
        entries=table.tolist(),
        columns=table.shape[1],
        lens=_placed(arguments.seq_lens),
    )
    call = _call(adapter, given, finding.function)
    check = CHECK_REFUSED if case.bad else CHECK_ROWS
    names = list(case.bad.names) if case.bad else []
    may_refuse = case.may_be_refused
    return head + call + check.format(names=names, may_refuse=may_refuse, parts=_parts(finding.function))


def _parts(function: str) -> list[str]:
    return {"get_k_and_s": ["k", "s"], "get_k": ["k"], "get_s": ["s"]}[function]


def _placed(tensor: Any) -> str:
    offset = tensor.storage_offset() if tensor.numel() else 0
    return f"{tuple(tensor.shape)}, {tuple(tensor.stride())}, {offset}, {tensor.dtype}"


def _described(name: str, value: Any, right: Any) -> str:
    import torch

    if value is getattr(right, name):
        return name
    if isinstance(value, torch.Tensor):
        device = '"meta"' if value.device.type == "meta" else "device"
        return f"torch.zeros({tuple(value.shape)}, device={device}).to({value.dtype})"
    return repr(value) if not hasattr(value, "__array__") else f"{name}[:0].cpu().numpy()"


def _import_of(spec: str, function: str, call: Any) -> str | None:
    """Return the lines that import the kernel's own function as `gather`."""
    from kernels.peers.foreign import foreign_in

    adapter = foreign_in(call)
    of = inspect.unwrap(adapter.__wrapped__ if adapter else call)
    file = inspect.getsourcefile(of) if inspect.isfunction(of) else None
    if file is None or "<locals>" in of.__qualname__:
        return None
    path = Path(file).resolve()
    name, _, inner = of.__qualname__.partition(".")
    tail = f"gather = {name}().{inner}\n" if inner else f"gather = {name}\n"
    module, folder = path.stem, path.parent
    while (folder / "__init__.py").is_file():  # as its package is imported
        module, folder = f"{folder.name}.{module}", folder.parent
    return f"sys.path.insert(0, {str(folder)!r})  # where the kernel lies\nfrom {module} import {name}\n\n{tail}"


def _call(adapter: Any, given: Mapping[str, str], function: str) -> str:
    """Return the function `call` of a script, which returns the results as bytes by part."""
    if adapter is None:
        arguments = ", ".join(given.values())
        return PLACES["call"].format(lines="", call=f"returned = gather({arguments})", parts=_parts(function))
    from kernels.peers.foreign import Constant
    from kernels.peers.words import RESULTS, SEQUENCE, WORDS, expression_of, in_order, names_in

    def text(value: Any) -> str:
        if isinstance(value, Constant):
            return repr(value.value)
        if not isinstance(value, str):
            return repr(value)
        return given.get(value) or expression_of(value)

    given_to = [text(value) for value in adapter.arguments]
    given_to += [f"{name}={text(value)}" for name, value in adapter.keywords.items()]
    bases = [word.partition(":")[0] for word in adapter.words]
    outs = [base for part in adapter.parts for base in bases if base in RESULTS[part]]
    made = in_order([*adapter.words, *(part for part in adapter.parts if outs)])
    inner = [word for word in made if adapter.one_sequence and set(names_in(WORDS[word])) & set(SEQUENCE)]
    lines = [f"{word} = {WORDS[word]}" for word in made if word not in inner]
    call = f"gather({', '.join(given_to)})"
    results = f"({', '.join(adapter.parts if adapter.one_sequence else outs)},)"
    if adapter.one_sequence:
        lines += ["returned, first_row = [], 0", "for sequence, seq_len in enumerate(lengths):"]
        lines += [f"    {word} = {WORDS[word]}" for word in inner]
        lines += [f"    returned.append({call})", "    first_row += seq_len"]
        call = f"returned = {results}" if outs else "returned = together(returned)"
    elif outs:
        lines, call = [*lines, call], f"returned = {results}"
    else:
        call = f"returned = {call}"
    joined = "".join(f"    {line}\n" for line in lines)
    return PLACES["call"].format(lines=joined, call=call, parts=list(adapter.parts))


def _work(order: Mapping[str, Any]) -> None:
    from tests.calls.implementations import load_implementation
    from tests.examine.choice import chosen_cases
    from tests.plugin.devices import choose_device

    selection = Selection.from_json(order["selection"])
    choose_device(selection.device)
    findings = [Finding.from_json(finding) for finding in order["findings"]]
    cases = {case.id: case for case in chosen_cases(selection)}
    functions = load_implementation(selection.implementation).functions
    tell(scripts=[script_of(selection, finding, functions, cases[finding.case]) for finding in findings])


if __name__ == "__main__":
    serve(_work)
