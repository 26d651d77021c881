"""What a run says of each rule: holds, broken, refused, not promised, or not examined and why. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ci.examination.entries import rules_told
from ci.reports.decision import counted
from tests.contract import Contract, Rule
from tests.examine.examined import Examined
from tests.examine.finding import Finding

WATCHED = {
    Rule.BYTES,
    Rule.RESULTS,
    Rule.STATE,
    Rule.SAME_BYTES,
    Rule.UNDEFINED,
    Rule.LAUNCHES,
    Rule.NO_WAITING,
    Rule.TRAFFIC,
    Rule.COMPILES,
}
"""Rules that every call is watched for, whatever its case is about."""
ON_CPU_ONLY = {Rule.UNDEFINED, Rule.TRAFFIC}
"""Rules that only the interpreter sees broken."""
HOLDS, BROKEN, REFUSED, NOT_PROMISED, NOT_EXAMINED = "holds", "broken", "refused", "not promised", "not examined"


@dataclass(frozen=True)
class OfRule:
    """What is known of one rule."""

    rule: Rule
    state: str
    why: str = ""
    smallest: Finding | None = None
    """Of the findings that break it, the one of the smallest case."""


def by_rule(
    results: Sequence[Examined],
    contract: Contract,
    bears_on: Mapping[str, Sequence[int]],
    tokens: Mapping[str, int],
    device: str,
    functions: Sequence[str],
) -> list[OfRule]:
    """Return what a run says of each rule.

    Args:
        results: what each test of each case reported.
        contract: what was promised.
        bears_on: the rules that each case bears on, by its id.
        tokens: how large each case is.
        device: `cpu` or `cuda`.
        functions: those that were examined.
    """
    findings = [finding for result in results for finding in result.findings]
    told = []
    for rule in Rule:
        broken = [finding for finding in findings if finding.rule == rule]
        bearing = [of for of in results if rule in bears_on.get(of.case, ()) or (rule in WATCHED and of.right)]
        if broken:
            smallest = min(broken, key=lambda finding: tokens.get(finding.case, 0))
            cases = len({finding.case for finding in broken})
            told.append(OfRule(rule, BROKEN, f"in {counted(cases, 'case')}", smallest))
        elif not contract.holds(rule):
            told.append(OfRule(rule, NOT_PROMISED))
        elif rule in ON_CPU_ONLY and device != "cpu":
            told.append(OfRule(rule, NOT_EXAMINED, "only the interpreter sees it"))
        elif rule is Rule.PARTS and len(functions) < 2:
            told.append(OfRule(rule, NOT_EXAMINED, f"there is only {functions[0] if functions else 'no function'}"))
        else:
            told.append(_unbroken(rule, bearing if rule is not Rule.PARTS else [of for of in results if of.right]))
    return told


def _unbroken(rule: Rule, bearing: Sequence[Examined]) -> OfRule:
    clean = [of for of in bearing if of.is_clean]
    if clean and all(of.refused and not of.right for of in clean):
        return OfRule(rule, REFUSED, f"in {counted(len(clean), 'case')}")
    if clean:
        return OfRule(rule, HOLDS, f"in {counted(len(clean), 'case')}")
    reasons = Counter(of.not_run or of.undecided or "its cases break other rules" for of in bearing)
    return OfRule(rule, NOT_EXAMINED, reasons.most_common(1)[0][0] if reasons else "no case of this run is about it")


def lines(told: Sequence[OfRule]) -> list[str]:
    """Return a line for each state, and of rules that were not examined one for each reason."""
    together: dict[str, list[Rule]] = {state: [] for state in (HOLDS, BROKEN, REFUSED, NOT_PROMISED)}
    for of in told:
        title = f"{of.state}, {of.why}" if of.state == NOT_EXAMINED else of.state
        together.setdefault(title, []).append(of.rule)
    return [f"{title}: {rules_told(rules)}" for title, rules in together.items() if rules]
