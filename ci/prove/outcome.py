"""What all proofs come to. Pure."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from ci.reports.decision import Decision
from tests.contract import Rule
from tests.instruments.proof.answers import Answer, Obligation
from tests.instruments.proof.replay import Counterexample

ACCEPTED = Path(__file__).with_name("accepted.json")
"""Obligations that need not be decided, each with its reason."""


WORDS = {Decision.CLEAN: "proved", Decision.FINDINGS: "refuted", Decision.UNDECIDED: "undecided"}
"""The job's own words for what it came to."""


@dataclass(frozen=True)
class Proof:
    """A function in a setting: its variants' verdicts, and what is known of the host's paths."""

    function: str
    setting: str
    variants: tuple[tuple[Obligation, ...], ...] = ()
    host: dict[str, Any] = field(default_factory=dict)

    @property
    def open_paths(self) -> list[str]:
        """Why not all of the host's paths were seen, in sentences."""
        host = self.host
        told = [f"on {count} ways there is no model of {what}" for what, count in host.get("unmodelled", {}).items()]
        if host.get("left"):
            told.append(f"more than {host['paths']} ways through the host's code")
        if host.get("open_branches"):
            told.append(f"of {host['open_branches']} branches of the host it is not known whether they can be taken")
        if len(self.variants) < host.get("variants", 0):
            told.append(f"{host['variants'] - len(self.variants)} variants were not answered")
        if host and not self.variants and not told:
            told.append("no way through the host's code launches a kernel")
        return told


def proofs_of(functions: Sequence[str], told: Iterable[dict[str, Any]]) -> list[Proof]:
    """Return what processes told of the functions of their tasks; nothing of one that the implementation has not."""
    variants: dict[int, dict[str, tuple[Obligation, ...]]] = {}
    hosts: dict[int, dict[str, Any]] = {}
    for message in told:
        task = message["task"]
        if "verdicts" in message:
            found = variants.setdefault(task, {})
            found[message["variant"]] = tuple(map(Obligation.from_json, message["verdicts"]))
        elif task not in hosts or message["host"]["variants"] > hosts[task]["variants"]:
            hosts[task] = message["host"]
    return [
        Proof(function, host["setting"], tuple(variants.get(number, {}).values()), host)
        for number, function in enumerate(functions)
        if (host := hosts.get(number))
    ]


def shown(proofs: Sequence[Proof], seen: Iterable[tuple[int, int, int, Counterexample, list[str]]]) -> list[Proof]:
    """Return proofs with those obligations refuted of which a candidate did something wrong when it was run.

    Args:
        proofs: the proofs.
        seen: place of the proof, of the variant and of the verdict, its candidate, and what that did wrong.
    """
    wrong: dict[tuple[int, int, int], tuple[Counterexample, str]] = {}
    for p, v, n, candidate, messages in seen:
        if messages:
            wrong.setdefault((p, v, n), (candidate, messages[0]))
    refuted = {(proofs[p].function, proofs[p].setting, proofs[p].variants[v][n].obligation) for p, v, n in wrong}

    def judged(p: int, v: int, n: int, verdict: Obligation) -> Obligation:
        if (p, v, n) in wrong:
            candidate, message = wrong[p, v, n]
            return replace(verdict, answer=Answer.REFUTED, reason=message, candidates=(candidate,))
        is_known = (proofs[p].function, proofs[p].setting, verdict.obligation) in refuted
        if is_known and verdict.answer is Answer.NOT_DECIDED:
            return replace(verdict, answer=Answer.REFUTED, reason="as in another variant", candidates=())
        return verdict

    return [
        replace(
            proof,
            variants=tuple(
                tuple(judged(p, v, n, verdict) for n, verdict in enumerate(variant))
                for v, variant in enumerate(proof.variants)
            ),
        )
        for p, proof in enumerate(proofs)
    ]


def accepted_reason(accepted: Sequence[dict[str, str]], implementation: str, proof: Proof, verdict: Obligation) -> str:
    """Return why an obligation need not be decided; empty if it must be."""
    names = {
        "implementation": implementation,
        "function": proof.function,
        "setting": proof.setting,
        "rule": str(int(verdict.rule)),
        "what": verdict.what,
    }
    for entry in accepted:
        if all(fnmatchcase(names[name], pattern) for name, pattern in entry.items() if name in names):
            return entry["reason"]
    return ""


def read_accepted() -> list[dict[str, str]]:
    """Return the accepted open obligations."""
    return json.loads(ACCEPTED.read_text(encoding="utf-8"))


def open_reasons(implementation: str, proofs: Sequence[Proof], rules: Sequence[int] = ()) -> list[str]:
    """Return why not all is proved or refuted, but for what is accepted: a sentence each."""
    accepted = read_accepted()
    return [
        f"{proof.function}, {proof.setting}: {reason}"
        for proof in proofs
        for reason in [*proof.open_paths, *(dict.fromkeys(_open(accepted, implementation, proof, rules)))]
    ]


def _open(accepted: Sequence[dict[str, str]], implementation: str, proof: Proof, rules: Sequence[int]) -> Iterable[str]:
    verdicts = [verdict for variant in proof.variants for verdict in variant]
    if proof.variants and not any(not rules or verdict.rule in rules for verdict in verdicts):
        yield "no call that proofs of these rules are about takes a way that launches a kernel"
    for verdict in verdicts:
        is_open = verdict.answer is Answer.NOT_DECIDED and (not rules or verdict.rule in rules)
        if is_open and not accepted_reason(accepted, implementation, proof, verdict):
            yield f"rule {int(verdict.rule)}, {verdict.what} at {verdict.place}: {verdict.reason}"


def outcome_of(implementation: str, proofs: Sequence[Proof], rules: Sequence[int]) -> Decision:
    """Return the verdict: refuted if anything is, undecided if anything that is not accepted is open."""
    verdicts = [verdict for proof in proofs for variant in proof.variants for verdict in variant]
    asked = [verdict for verdict in verdicts if not rules or verdict.rule in rules]
    if any(verdict.answer is Answer.REFUTED for verdict in asked):
        return Decision.FINDINGS
    is_open = not asked or open_reasons(implementation, proofs, rules)
    return Decision.UNDECIDED if is_open else Decision.CLEAN


def counts(proof: Proof, rule: Rule) -> Counter[Answer]:
    """Return how many obligations of a rule have which answer."""
    return Counter(verdict.answer for variant in proof.variants for verdict in variant if verdict.rule is rule)
