"""Runs a launcher on symbolic arguments, and gives its launches."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import torch
import triton

from tests.calls.implementations import Implementation
from tests.instruments.absent_h100 import CAPABILITY, NAME, PROPERTIES, AbsentGpu
from tests.instruments.cost.compiling import TARGETS
from tests.instruments.proof import stand_ins
from tests.instruments.proof.kept import kept
from tests.instruments.proof.launch import TERMS, SymbolicLaunch, TensorTerms
from tests.instruments.proof.module import Unmodelled
from tests.instruments.proof.symbolic_tensors import ADDRESS_OF, SymbolicTensor, allocated
from tests.instruments.proof.symbols import TRACE, SymbolicInt, Trace, pinned, term_of, value_of
from tests.instruments.proof.terms import Term
from tests.instruments.triton_seams import active_driver, autotuned_launches, compiled_runs, first_ir, type_name

_INT32 = 1 << 31
_LIBRARIES = ("triton", "torch", "numpy")
"""Wherever they are installed."""
_STAND_INS = {
    "type": stand_ins.type_of,
    "min": stand_ins.smallest,
    "max": stand_ins.greatest,
    "len": stand_ins.length,
    "next_power_of_2": stand_ins.next_power_of_2,
}


@dataclass(frozen=True)
class Setting:
    """What is the same for all inputs of a proof: dtypes, geometry, and how the pool lies in memory."""

    page_size: int = 64
    index_head_dim: int = 128
    table_dtype: str = "int32"
    lens_dtype: str = "int64"
    misaligned: int = 0
    """Bytes by which the pool's address is past a multiple of 16."""
    choice: int = 0
    """Which of an autotuned kernel's configurations is launched."""

    @property
    def label(self) -> str:
        """The setting in a few words."""
        words = [f"page {self.page_size}, head {self.index_head_dim}", f"{self.table_dtype}/{self.lens_dtype}"]
        words += [f"pool at +{self.misaligned}"] * bool(self.misaligned)
        return ", ".join([*words, *([f"configuration {self.choice}"] * bool(self.choice))])


@dataclass(frozen=True)
class HostPath:
    """One way through the launcher's code."""

    conditions: tuple[Term, ...]
    """What decides it, in the order in which it was asked."""
    facts: tuple[Term, ...]
    launches: tuple[SymbolicLaunch, ...]
    refused: str = ""
    """The error with which the launcher refuses these arguments."""
    unmodelled: str = ""
    choices: int = 1
    """Configurations of autotuned kernels."""


def arguments_of(setting: Setting, numbers: dict[str, int]) -> tuple[Any, ...]:
    """Return the seven arguments of a gather, symbolic, with these numbers for now."""
    n = {name: SymbolicInt(value, TERMS[name]) for name, value in numbers.items()}
    row = setting.page_size * (setting.index_head_dim + 4)
    buf = SymbolicTensor(
        "buf", (n["num_pages"], row), (n["page_stride"], n["byte_stride"]), torch.uint8, setting.misaligned
    )
    table = SymbolicTensor(
        "page_indices",
        (n["batch"], n["max_pages"]),
        (n["table_stride"], n["table_step"]),
        getattr(torch, setting.table_dtype),
    )
    lengths = SymbolicTensor("seq_lens", (n["batch"],), (n["lengths_stride"],), getattr(torch, setting.lens_dtype))
    numbers_behind = (n["seq_len_sum"], n["max_seq_len"], setting.page_size, setting.index_head_dim)
    return buf, table, lengths, *numbers_behind


def captured(implementation: Implementation, function: str, setting: Setting, numbers: dict[str, int]) -> HostPath:
    """Run a function of an implementation once, and return the path that it took."""
    trace = Trace()
    token = TRACE.set(trace)
    launches: list[_Asked] = []
    made: tuple[SymbolicLaunch, ...] = ()
    refused = unmodelled = ""
    choices = [1]
    call = implementation.functions[function]
    try:
        arguments = arguments_of(setting, numbers)
        tensors = [each for each in arguments if type(each) is SymbolicTensor]

        def launched(kernel: Any, args: Any, grid: Any, named: Any) -> None:
            launches.append(_asked(kernel, args, grid, named))

        def choose(name: str, configurations: Any) -> Any:
            choices.append(len(configurations))
            return configurations[min(setting.choice, len(configurations) - 1)]

        with _pretended(call), compiled_runs(launched), autotuned_launches(choose):
            given_back = call(*arguments)
        # Not before: the compiler must not see what stands in for Python's own functions.
        all_tensors = tuple(map(_tensor, [*tensors, *trace.results]))
        conditions = (*trace.conditions, *trace.facts)
        results = given_back if isinstance(given_back, list | tuple) else [given_back]
        returned = tuple(_tensor(result) for result in results if type(result) is SymbolicTensor)
        common: dict[str, Any] = {"tensors": all_tensors, "returned": returned, "conditions": conditions}
        common |= {"is_only": len(launches) == 1, "example": {name: value_of(n) for name, n in numbers.items()}}
        made = tuple(_launch(asked, common) for asked in launches)
    except Unmodelled as error:
        unmodelled = str(error)
    except (ValueError, TypeError) as error:
        refused = f"{type(error).__name__}: {error}"
    except Exception as error:
        unmodelled = f"{type(error).__name__} on the host: {error}".splitlines()[0]
    finally:
        TRACE.reset(token)
    if not unmodelled and any(map(_is_of_addresses, trace.conditions)):
        unmodelled, made = "what the host decides by the addresses of tensors", ()
    return HostPath(tuple(trace.conditions), tuple(trace.facts), made, refused, unmodelled, max(choices))


def _is_of_addresses(condition: Term) -> bool:
    return condition.decl().name().startswith(ADDRESS_OF) or any(map(_is_of_addresses, condition.children()))


@dataclass(frozen=True)
class _Asked:
    """A launch that the host's code asked for."""

    kernel: Any
    signature: dict[str, str]
    constants: dict[tuple[int, ...], Any]
    options: dict[str, Any]
    grid: tuple[Term, ...]
    arguments: tuple[TensorTerms | Term, ...]


def _asked(kernel: Any, args: Any, grid: Any, named: dict[str, Any]) -> _Asked:
    names = [parameter.name for parameter in kernel.params]
    given = {**dict(zip(names, args, strict=False)), **{name: named[name] for name in names if name in named}}
    signature: dict[str, str] = {}
    constants: dict[tuple[int, ...], Any] = {}
    arguments: list[TensorTerms | Term] = []
    for place, parameter in enumerate(kernel.params):
        value = given.get(parameter.name, parameter.default)
        if parameter.is_constexpr or value is None:
            signature[parameter.name] = "constexpr"
            constants[place,] = pinned(value) if type(value) is SymbolicInt else value
        elif type(value) is SymbolicTensor:
            signature[parameter.name] = type_name(torch.empty(0, dtype=value.dtype))
            arguments.append(_tensor(value))
        elif isinstance(value, int) and not isinstance(value, bool):
            # Code that is specialised on 1 or on multiples of 16 means the same: the general one stands for all.
            width = parameter.annotation_type or ("i32" if -_INT32 <= value < _INT32 else "i64")
            signature[parameter.name] = width
            arguments.append(term_of(value))
        else:
            raise Unmodelled(f"{parameter.name}, an argument of type {type(value).__name__}, of {kernel.fn.__name__}")
    axes = tuple(grid(given) if callable(grid) else grid)
    options = {name: value for name, value in named.items() if name not in names}
    return _Asked(kernel, signature, constants, options, tuple(map(term_of, (*axes, 1, 1)[:3])), tuple(arguments))


_PLAIN = (int, float, bool, str, type(None))
"""Types of constants that their text says all of."""


def _ir(asked: _Asked) -> str:
    """Return the IR of a launch, kept by what Triton itself keeps code by."""
    kernel = asked.kernel
    is_kept = all(type(constant) in _PLAIN for constant in asked.constants.values())
    key = ("ir", kernel.cache_key, kernel.fn.__code__.co_filename, asked.signature, asked.constants, asked.options)
    ir = kept().read(*key) if is_kept else None
    if ir is None:
        ir = first_ir(kernel, asked.signature, asked.constants, asked.options, TARGETS["sm_90"])
        if is_kept:
            kept().write(ir, *key)
    return ir


def _launch(asked: _Asked, common: dict[str, Any]) -> SymbolicLaunch:
    return SymbolicLaunch(
        kernel=asked.kernel.fn.__name__, ir=_ir(asked), grid=asked.grid, arguments=asked.arguments, **common
    )


def _tensor(tensor: SymbolicTensor) -> TensorTerms:
    return TensorTerms(
        tensor.name,
        tuple(map(term_of, tensor.shape)),
        tuple(map(term_of, tensor.stride())),
        tensor.dtype.itemsize,
    )


@contextmanager
def _pretended(call: Any) -> Iterator[None]:
    """Have the host's code find a GPU, allocate nothing, and compute with symbolic numbers."""
    answers = {
        "current_device": 0,
        "device_count": 1,
        "get_device_capability": CAPABILITY,
        "get_device_name": NAME,
        "get_device_properties": PROPERTIES,
        "is_available": True,
        "is_current_stream_capturing": False,
    }
    with ExitStack() as stack:
        for name, answer in answers.items():
            stack.enter_context(mock.patch.object(torch.cuda, name, lambda *_, answer=answer, **__: answer))
        stack.enter_context(mock.patch.object(torch.cuda, "device", return_value=nullcontext()))
        stack.enter_context(mock.patch.object(torch, "empty", allocated))
        stack.enter_context(mock.patch.object(triton, "next_power_of_2", stand_ins.next_power_of_2))
        stack.enter_context(active_driver(AbsentGpu(TARGETS["sm_90"])))
        for module in modules_of(call):
            for name, stand_in in _STAND_INS.items():
                if name != "next_power_of_2" or name in vars(module):
                    stack.enter_context(mock.patch.object(module, name, stand_in, create=True))
            for name, value in list(vars(module).items()):
                if type(value) is range:
                    stack.enter_context(mock.patch.object(module, name, stand_ins.SymbolicRange(value)))
        yield


def modules_of(call: Any) -> list[ModuleType]:
    """Return the modules of the host's code: the function's own, and what these import that lies beside them."""
    start = sys.modules[getattr(call, "__module__", None) or type(call).__module__]
    found, left = {start.__name__: start}, [start]
    while left:
        for value in list(vars(left.pop()).values()):
            name = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
            module = sys.modules.get(name) if isinstance(name, str) else None
            if module is not None and module.__name__ not in found and _is_own(module):
                found[module.__name__] = module
                left.append(module)
    return list(found.values())


def _is_own(module: ModuleType) -> bool:
    file = getattr(module, "__file__", None)
    parts = Path(file).parts if file else ()
    return (
        bool(parts)
        and module.__name__.partition(".")[0] not in _LIBRARIES
        and "site-packages" not in parts
        and "instruments" not in parts
        and not any(part.startswith("python3") for part in parts)
    )
