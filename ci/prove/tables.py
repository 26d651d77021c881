"""Answers as a table, and what is not proved, line by line."""

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from ci.prove.options import OF_CONTENTS
from ci.prove.outcome import Proof, accepted_reason, counts, read_accepted
from ci.prove.rows import row_of
from ci.reports.console import table_of
from tests.contract import Rule
from tests.instruments.proof.answers import Answer, Obligation
from tests.instruments.proof.contents import SCOPE

ASSUMED = (
    "assumed: Triton's backend is right; no tensor is larger than 2^47 bytes; results share no memory with arguments; "
    "code specialised on a number being 1 or a multiple of 16 means the same; alignment and races are not modelled"
)


def show(console: Console, implementation: str, proofs: Sequence[Proof], rules: Sequence[Rule]) -> None:
    """Print a row for each function and setting, and a block for each obligation that is not proved."""
    headings = ("function", "setting", "ways", "variants", *(f"rule {int(rule)}" for rule in rules))
    table = table_of(headings, ("function", "setting"), "obligations proved / refuted / not decided, by rule")
    for proof in proofs:
        cells = [_cell(proof, rule) for rule in rules]
        ways = str(proof.host.get("paths", "?"))
        table.add_row(proof.function, proof.setting, ways, str(len(proof.variants)), *cells)
    console.print()
    console.print(table)
    for proof in proofs:
        for sentence in proof.open_paths:
            _say(console, f"{proof.function}, {proof.setting}: NOT DECIDED: {sentence}", "yellow")
    _show_open(console, implementation, proofs, rules)
    _say(console, ASSUMED, "dim")


def summed_up(implementation: str, proofs: Sequence[Proof], rules: Sequence[Rule]) -> str:
    """Return the numbers of all answers in one sentence."""
    total = {answer: sum(counts(proof, rule)[answer] for proof in proofs for rule in rules) for answer in Answer}
    told = ", ".join(f"{number:,} {answer.value.lower()}" for answer, number in total.items() if number)
    # What is proved of contents is not proved of all calls.
    of_few = [str(int(rule)) for rule in rules if rule in OF_CONTENTS]
    scope = f"; of rule{'s' * (len(of_few) > 1)} {', '.join(of_few)} {SCOPE}" if of_few and told else ""
    return f"{implementation}: {told or 'nothing to prove'}{scope}"


def _cell(proof: Proof, rule: Rule) -> Text:
    found = counts(proof, rule)
    if found[Answer.REFUTED]:
        return Text(f"{found[Answer.PROVED]} / {found[Answer.REFUTED]} / {found[Answer.NOT_DECIDED]}", style="red")
    if found[Answer.NOT_DECIDED]:
        return Text(f"{found[Answer.PROVED]} / 0 / {found[Answer.NOT_DECIDED]}", style="yellow")
    return Text(str(found[Answer.PROVED]) if found[Answer.PROVED] else "-", style="green")


def _show_open(console: Console, implementation: str, proofs: Sequence[Proof], rules: Sequence[Rule]) -> None:
    accepted = read_accepted()
    blocks: dict[tuple[str, ...], list[str]] = {}
    for proof in proofs:
        for variant in proof.variants:
            for verdict in variant:
                if verdict.answer is Answer.PROVED or verdict.rule not in rules:
                    continue
                reason = accepted_reason(accepted, implementation, proof, verdict)
                key = (_head(proof, verdict, bool(reason)), *_body(proof, verdict, reason))
                blocks.setdefault(key, []).append(proof.setting)
    told: set[str] = set()
    for (head, *body), where in sorted(blocks.items(), key=lambda block: -len(block[0])):
        if head in told:
            continue
        told.add(head)
        _say(console, f"{head} ({len(where)} variant{'s' * (len(where) > 1)}; {where[0]})", "bold")
        for line in body:
            _say(console, f"  {line}", "")


def _head(proof: Proof, verdict: Obligation, is_accepted: bool) -> str:
    answer = "NOT DECIDED, accepted" if is_accepted and verdict.answer is Answer.NOT_DECIDED else verdict.answer.value
    return f"{answer}: rule {int(verdict.rule)}, {proof.function}, {verdict.what} at {verdict.place}"


def _body(proof: Proof, verdict: Obligation, accepted: str) -> list[str]:
    lines = [accepted or verdict.reason]
    if verdict.answer is Answer.REFUTED and verdict.candidates:
        example = verdict.candidates[0]
        lines.append(row_of(example, verdict.rule, proof.function) or "no row can say how its tensors lie")
        lines.append(f"program {example.program}, strides {_strides(example.numbers)}")
    return lines


def _strides(numbers: object) -> str:
    assert isinstance(numbers, dict)
    return ", ".join(f"{name} {numbers[name]}" for name in numbers if "stride" in name or name == "table_step")


def _say(console: Console, line: str, style: str) -> None:
    console.print(Text(line, style=style), soft_wrap=True)
