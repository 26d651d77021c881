"""What the examination has to say: one broken promise, in the user's terms."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


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
