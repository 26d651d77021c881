"""A compiled variant: what Triton compiles a kernel for, in a form that another process can compile."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import triton.language as tl


class NotPortable(Exception):
    """A launch holds a constant that cannot be handed to another process."""


@dataclass(frozen=True)
class Variant:
    """One kernel with everything that Triton specialises its code on. Equal variants share their code."""

    module: str
    """Module of the kernel's function."""
    name: str
    """Qualified name of the kernel's function in its module."""
    key: str
    """Under which Triton keeps the code: types, constants, what it made of values and addresses, options."""
    backend: str
    """`cuda` or `hip`; the two specialise differently."""
    signature: Mapping[str, Any] = field(compare=False)
    """Type of each parameter, `constexpr` for a constant."""
    constants: Mapping[tuple[int, ...], Any] = field(compare=False)
    """Constants by the parameter's place."""
    attributes: Mapping[tuple[int, ...], Any] = field(compare=False)
    """What is known of parameters, such as divisibility, by place."""
    options: Mapping[str, Any] = field(compare=False)
    """Compiler options that the launch names, such as `num_warps`."""

    def as_json(self) -> dict[str, Any]:
        """Return the variant as a JSON object.

        Raises:
            NotPortable: a constant is none of numbers, strings, dtypes and tuples of such.
        """
        return {
            "module": self.module,
            "name": self.name,
            "key": self.key,
            "backend": self.backend,
            "signature": {name: _encoded(type_) for name, type_ in self.signature.items()},
            "constants": [[list(place), _encoded(value)] for place, value in self.constants.items()],
            "attributes": [[list(place), _encoded(value)] for place, value in self.attributes.items()],
            "options": {name: _encoded(value) for name, value in self.options.items()},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Variant":
        """Return the variant that `as_json` wrote."""
        return cls(
            data["module"],
            data["name"],
            data["key"],
            data["backend"],
            {name: _decoded(type_) for name, type_ in data["signature"].items()},
            {tuple(place): _decoded(value) for place, value in data["constants"]},
            {tuple(place): _decoded(value) for place, value in data["attributes"]},
            {name: _decoded(value) for name, value in data["options"].items()},
        )


def _encoded(value: Any) -> Any:
    if isinstance(value, tl.constexpr):
        value = value.value
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, list):
        return [_encoded(item) for item in value]
    if isinstance(value, tuple):
        return {"tuple": [_encoded(item) for item in value]}
    if isinstance(value, tl.dtype):
        return {"dtype": value.name}
    raise NotPortable(f"a constant of type {type(value).__name__} cannot be handed to the compiling process")


def _decoded(value: Any) -> Any:
    if isinstance(value, list):
        return [_decoded(item) for item in value]
    if isinstance(value, dict):
        if "dtype" in value:
            return tl.dtype(value["dtype"])
        return tuple(_decoded(item) for item in value["tuple"])
    return value
