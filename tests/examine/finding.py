"""What the examination has to say: one broken promise, in the user's terms."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, NamedTuple

from tests.calls.attempt import Raised
from tests.cases.case import Case
from tests.contract import Contract, Rule
from tests.examine.blame import Seen, rule_of

_FIGURES = re.compile(r"\d[\d.,]*")


@dataclass(frozen=True)
class Finding:
    """One rule that one function breaks on one case.

    Raises:
        ValueError: the contract has no rule of that number.
    """

    rule: Rule
    case: str
    """Id of the case, `family/name`."""
    function: str
    """`get_k`, `get_s` or `get_k_and_s`."""
    message: str
    """What happened, and what should have."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """Figures behind the message, for machines; JSON values only."""
    fault: str = ""
    """What was seen, without figures: findings of one rule and one fault are likely one mistake."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "rule", Rule(self.rule))

    @property
    def family(self) -> str:
        """The case's family."""
        return self.case.split("/")[0]

    def as_json(self) -> dict[str, Any]:
        """Return the finding as a JSON object; its rule is the number in the contract."""
        return {**asdict(self), "rule": int(self.rule), "family": self.family}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Finding":
        """Return the finding that `as_json` wrote."""
        return cls(**{key: value for key, value in data.items() if key != "family"})

    def __str__(self) -> str:
        return f"rule {self.rule}, {self.case}, {self.function}: {self.message}"


class Fault(NamedTuple):
    """Something wrong that an instrument saw in a call."""

    seen: Seen
    message: str
    """What happened, and what should have."""
    where: str = ""
    """What tells it from other faults of the same kind, such as the tensor."""
    details: Mapping[str, Any] = {}
    """JSON values."""


OnFound = Callable[[Sequence[Finding]], None]
"""Told all that is found on a case by now, each time that it grows."""


class Findings:
    """Collects what is found on one case: what the contract promises, and each fault of a function once."""

    def __init__(
        self,
        case: Case,
        contract: Contract,
        function: str = "",
        on_found: OnFound = lambda findings: None,
    ) -> None:
        self.all: list[Finding] = []
        self.function = function
        """The function that is examined at the moment."""
        self.refused: dict[str, None] = {}
        """Functions that refused a call where the contract allows it."""
        self._are_right: dict[str, bool] = {}
        self._case = case
        self._on_found = on_found
        self.contract = contract

    def add(self, seen: Seen, message: str, where: str = "", **details: Any) -> bool:
        """Note something wrong, unless the contract does not promise its rule or the function is known to do it.

        Returns whether it was noted.

        Args:
            seen: what kind of thing; its rule follows from that and the case.
            message: what happened, and what should have.
            where: what tells it from other faults of the same kind.
            details: JSON values.
        """
        rule = rule_of(seen, self._case.rules)
        is_new = self.contract.holds(rule) and not self.has(seen, where)
        if is_new:
            self.all.append(Finding(rule, self._case.id, self.function, message, details, _fault(seen, where)))
            self._on_found(self.all)
        return is_new

    def raised(self, raised: Raised, seen: Seen = Seen.RAISED, message: str = "{}", **details: Any) -> None:
        """Note that the function raised something that the contract does not allow, and show where it came from.

        Args:
            raised: what.
            seen: what kind of thing that is.
            message: what happened, with braces where what was raised is told.
            details: JSON values.
        """
        # Whoever only reads findings needs no Triton.
        from tests.instruments.triton_seams import refused_by_compiler

        if seen is Seen.RAISED and isinstance(raised.error, IndexError):
            seen = Seen.RAISED_OUT_OF_BOUNDS
        if seen is Seen.RAISED and (reason := refused_by_compiler(raised.error)) is not None:
            seen, message = Seen.NOT_COMPILED, f"a kernel does not compile: {reason}"
        if self.add(seen, message.replace("{}", str(raised)), _FIGURES.sub("N", raised.text), **details):
            raised.show()

    @property
    def right(self) -> list[str]:
        """Functions that returned rows, all of which were right."""
        return [function for function, are_right in self._are_right.items() if are_right]

    def rows(self, are_right: bool) -> None:
        """Note that the function returned rows, and whether all of them were right."""
        self._are_right[self.function] = are_right and self._are_right.get(self.function, True)

    def refuse(self) -> None:
        """Note that the function refused a call where the contract allows it."""
        self.refused[self.function] = None

    def take(self, finding: Finding) -> None:
        """Note a finding of another collection, unless the function is known to do it."""
        if not any((of.function, of.fault) == (finding.function, finding.fault) for of in self.all):
            self.all.append(finding)
            self._on_found(self.all)

    def follow(self, causes: Collection[Seen], message: str, seen: Seen | None = None) -> bool:
        """Add to an earlier finding of the function what followed from it; return whether there is such a finding.

        Args:
            causes: what may have led to it.
            message: what followed.
            seen: what followed, where it is a consequence only of what breaks the same rule.
        """
        rule = seen and rule_of(seen, self._case.rules)
        names = {cause.value for cause in causes}
        for place, of in enumerate(self.all):
            is_cause = of.function == self.function and of.fault.partition(":")[0] in names
            if is_cause and rule in (None, of.rule):
                if message not in of.message:
                    self.all[place] = replace(of, message=f"{of.message}; so {message}")
                return True
        return False

    def has(self, seen: Seen, where: str = "") -> bool:
        """Whether such a fault of the function was noted."""
        return any((of.function, of.fault) == (self.function, _fault(seen, where)) for of in self.all)


def _fault(seen: Seen, where: str) -> str:
    return f"{seen.value}: {where}" if where else seen.value
