"""What the examination has to say: one broken promise, in the user's terms."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.contract import Contract


@dataclass(frozen=True)
class Finding:
    """One rule that one function breaks on one case."""

    rule: int
    """Number of the rule in the contract."""
    case: str
    """Id of the case, `family/name`."""
    function: str
    """`get_k`, `get_s` or `get_k_and_s`."""
    message: str
    """What happened, and what should have."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """Figures behind the message, for machines; JSON values only."""

    @property
    def family(self) -> str:
        """The case's family."""
        return self.case.split("/")[0]

    def as_json(self) -> dict[str, Any]:
        """Return the finding as a JSON object."""
        return {**asdict(self), "family": self.family}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Finding":
        """Return the finding that `as_json` wrote."""
        return cls(**{key: value for key, value in data.items() if key != "family"})

    def __str__(self) -> str:
        return f"rule {self.rule}, {self.case}, {self.function}: {self.message}"


class Findings:
    """Collects what is found on one case: what the contract promises, and each thing once."""

    def __init__(self, case: str, contract: Contract) -> None:
        self.all: list[Finding] = []
        self.function = ""
        """The function that is examined at the moment."""
        self._case = case
        self._contract = contract

    def add(self, rule: int, message: str, **details: Any) -> None:
        """Note a broken rule.

        Args:
            rule: its number; one that the contract does not promise is left out.
            message: what happened, and what should have.
            details: JSON values. Of findings with the same `kind` and `line`, a function has one.
        """
        finding = Finding(rule, self._case, self.function, message, details)
        if self._contract.holds(rule) and finding not in self.all and not self._is_known(finding):
            self.all.append(finding)

    def _is_known(self, finding: Finding) -> bool:
        def place(of: Finding) -> tuple[Any, ...]:
            return of.rule, of.function, of.details.get("kind"), of.details.get("line")

        return "line" in finding.details and place(finding) in map(place, self.all)
