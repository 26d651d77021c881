"""Examining on the CPU what is written for a GPU.

While an implementation's function runs, device guards and questions for the properties of the GPU are answered as by
an H100, and of an autotuned kernel each call runs the next configuration, so that each is examined in its turn. A
function that refuses tensors for not being on a GPU, having asked `is_cuda`, is called again with another answer. What
then still needs a GPU cannot be decided without one.
"""

import re
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import replace
from typing import Any
from unittest import mock
from zlib import crc32

import torch

from tests.calls.errors import NeedsGpu, short
from tests.calls.implementations import Implementation
from tests.calls.interruption import is_interrupted
from tests.cases.case import Case
from tests.instruments.absent_h100 import CAPABILITY, NAME, PROPERTIES, AbsentGpu
from tests.instruments.triton_seams import active_driver, autotuned_launches

PROPERTIES_NOTE = "questions for the GPU were answered as by an H100"
IS_CUDA_NOTE = "tensors on the CPU were told to be on a GPU"
_ANSWERS: dict[str, Any] = {
    "current_device": 0,
    "device_count": 1,
    "get_device_capability": CAPABILITY,
    "get_device_name": NAME,
    "get_device_properties": PROPERTIES,
}
_LACKS_GPU = re.compile(
    r"libcuda|libcudart|libnvrtc|libnvidia|No CUDA GPUs|no NVIDIA driver|not compiled with CUDA|0 active drivers", re.I
)
"""What errors say where there is no GPU, or nothing of its software."""
_NO_SUCH_CAST = re.compile(r"cannot cast .* to .*fp8", re.DOTALL)
"""What Triton's interpreter says where a kernel makes fp8 of something, which the compiler can."""
_ASKS_FOR_GPU = re.compile(r"\bcuda\b|\bis_cuda\b|\bGPUs?\b", re.I)


class AbsentGpuCalls:
    """Calls functions of an implementation as on a GPU that is not there, on one case.

    `notes`: what was pretended, in sentences for the report, each once.
    """

    def __init__(self, case: Case) -> None:
        self.notes: dict[str, None] = {}
        # Cases begin with different configurations, so that each has its turn even where a case makes few calls.
        self._turn = 0 if case.grows else crc32(case.id.encode())
        self._case = case
        self._pretends = False

    def of(self, implementation: Implementation) -> Implementation:
        """Return the implementation with its functions called so."""
        functions = {name: self._called(function) for name, function in implementation.functions.items()}
        return replace(implementation, functions=functions)

    def _called(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            # Requests that grow show whether variants grow with them: of one configuration.
            self._turn += self._case.grows is None
            try:
                return self._call(function, arguments)
            except BaseException as error:
                if not is_interrupted() and (undecided := self._undecided(error)) is not None:
                    raise undecided from error
                raise

        call.__wrapped__ = function  # type: ignore[attr-defined]
        return call

    def _call(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        asked: list[str] = []
        try:
            with self._answers(asked):
                return function(*arguments)
        except BaseException as error:
            if self._pretends or not asked or is_interrupted():
                raise
            first = error
        self._pretends = True
        try:
            with self._answers(asked):
                result = function(*arguments)
        except BaseException:
            self._pretends = _speaks_of_gpu(first)
            if not self._pretends:  # what was raised is no consequence of the answer
                raise first from None
            raise
        self.notes[IS_CUDA_NOTE] = None
        return result

    @contextmanager
    def _answers(self, asked: list[str]) -> Iterator[None]:
        def told(value: Any) -> Callable[..., Any]:
            def answer(*_: Any, **__: Any) -> Any:
                self.notes[PROPERTIES_NOTE] = None
                return value

            return answer

        def is_cuda(tensor: torch.Tensor) -> bool:
            asked.append("is_cuda")
            return self._pretends and tensor.device.type == "cpu"

        def is_available() -> bool:
            asked.append("is_available")
            return self._pretends

        def need(*_: Any) -> None:
            raise NeedsGpu("needs a GPU: it uses one beside the tensors that it is given")

        replaced = {**{name: told(value) for name, value in _ANSWERS.items()}, "device": told(nullcontext())}
        replaced |= {"is_available": is_available, "_lazy_init": need, "set_device": told(None)}
        with ExitStack() as stack:
            for name, stand_in in replaced.items():
                stack.enter_context(mock.patch.object(torch.cuda, name, stand_in))
            stack.enter_context(mock.patch.object(torch.Tensor, "is_cuda", property(is_cuda), create=True))
            stack.enter_context(active_driver(AbsentGpu()))
            stack.enter_context(autotuned_launches(self._choose))
            yield

    def _choose(self, kernel: str, configurations: Sequence[Any]) -> Any:
        if len(configurations) > 1:
            told = f"{kernel} is autotuned: each call ran the next of its {len(configurations)} configurations"
            self.notes[told] = None
        return configurations[self._turn % len(configurations)]

    def _undecided(self, error: BaseException) -> NeedsGpu | None:
        """Return why an error says nothing of the implementation: it asks for a GPU. None if it does not."""
        reason: BaseException | None = error
        while reason is not None:
            if isinstance(reason, NeedsGpu):
                return reason
            if _LACKS_GPU.search(str(reason)):
                return NeedsGpu(f"needs a GPU: {short(reason)}")
            if _NO_SUCH_CAST.search(str(reason)):
                return NeedsGpu("needs a GPU: Triton's interpreter cannot make fp8 of other numbers")
            reason = reason.__cause__ or reason.__context__
        # A refusal of bad arguments may well speak of devices.
        if self._case.bad is None and _speaks_of_gpu(error):
            return NeedsGpu(f"needs a GPU: {short(error)}")
        return None


def _speaks_of_gpu(error: BaseException) -> bool:
    """Whether an error's text, or the line that raised it, names a GPU."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return _ASKS_FOR_GPU.search(f"{error} {frame.line}") is not None
