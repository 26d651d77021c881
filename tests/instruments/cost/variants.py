"""A compiled variant: what Triton compiles a kernel for, in a form that another process can compile."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
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
        return {part.name: _encoded(getattr(self, part.name)) for part in fields(self)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Variant":
        """Return the variant that `as_json` wrote."""
        return cls(**{name: _decoded(value) for name, value in data.items()})


def _encoded(value: Any) -> Any:
    if isinstance(value, tl.constexpr):
        value = value.value
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, list):
        return [_encoded(item) for item in value]
    if isinstance(value, tuple):
        return {"tuple": [_encoded(item) for item in value]}
    if isinstance(value, dict):
        return {"pairs": [[_encoded(name), _encoded(item)] for name, item in value.items()]}
    if isinstance(value, tl.dtype):
        return {"dtype": value.name}
    raise NotPortable(f"a constant of type {type(value).__name__} cannot be handed to the compiling process")


def _decoded(value: Any) -> Any:
    if isinstance(value, list):
        return [_decoded(item) for item in value]
    if isinstance(value, dict):
        if "dtype" in value:
            return tl.dtype(value["dtype"])
        if "pairs" in value:
            return {_decoded(name): _decoded(item) for name, item in value["pairs"]}
        return tuple(_decoded(item) for item in value["tuple"])
    return value
