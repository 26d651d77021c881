"""A GPU's virtual addresses through CUDA's driver: reserve many, map few."""

from functools import cache
from importlib.util import find_spec
from typing import Any

import torch

from tests.instruments.fenced_memory.memory import Fence, FencedMemory
from tests.instruments.fenced_memory.slots import Mapping, OutOfVirtualMemory, SlotPool


class FencesUnavailable(Exception):
    """Fenced memory cannot be had on this machine; says what is missing."""


def require_fences() -> None:
    """Check that fenced memory can be had, without starting anything on the GPU.

    Raises:
        FencesUnavailable: with what is missing and how to get it.
    """
    if not torch.cuda.is_available():
        raise FencesUnavailable("fenced memory needs a GPU, and none is visible to this process")
    try:
        found = find_spec("cuda.bindings.driver") is not None
    except ModuleNotFoundError:
        found = False
    if not found:
        raise FencesUnavailable(
            "fenced memory needs the package cuda-bindings, which comes with torch from 2.11 on: "
            "pip install cuda-bindings"
        )


def slots_of(device: torch.device) -> SlotPool:
    """Return the slots of a GPU, the same ones for the whole process."""
    return _slots_of(torch.cuda.current_device() if device.index is None else device.index)


@cache
def _slots_of(index: int) -> SlotPool:
    require_fences()
    return SlotPool(CudaVirtualMemory(index))


def fenced_memory(fence: Fence) -> FencedMemory:
    """Return new fenced memory, of slots that the process shares."""
    return FencedMemory(slots_of, fence)


class _Owner:
    """Lends memory to a tensor, which keeps this object as long as it uses it."""

    def __init__(self, address: int, size: int) -> None:
        self.__cuda_array_interface__ = {
            "shape": (size,),
            "typestr": "|u1",
            "data": (address, False),
            "strides": None,
            "version": 3,
        }


class CudaVirtualMemory:
    """The virtual addresses of one GPU. See `VirtualMemory`."""

    def __init__(self, index: int) -> None:
        from cuda.bindings import driver

        self._driver = driver
        self.device = torch.device("cuda", index)
        torch.empty(1, device=self.device)  # makes torch's context the current one
        if not self._attribute(driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED):
            raise FencesUnavailable(f"{torch.cuda.get_device_name(index)} cannot map virtual memory")
        self._properties = driver.CUmemAllocationProp()
        self._properties.type = driver.CUmemAllocationType.CU_MEM_ALLOCATION_TYPE_PINNED
        self._properties.location.type = driver.CUmemLocationType.CU_MEM_LOCATION_TYPE_DEVICE
        self._properties.location.id = index
        self._access = driver.CUmemAccessDesc()
        self._access.location.type = driver.CUmemLocationType.CU_MEM_LOCATION_TYPE_DEVICE
        self._access.location.id = index
        self._access.flags = driver.CUmemAccess_flags.CU_MEM_ACCESS_FLAGS_PROT_READWRITE
        minimum = driver.CUmemAllocationGranularity_flags.CU_MEM_ALLOC_GRANULARITY_MINIMUM
        self.granularity = int(self._call(driver.cuMemGetAllocationGranularity, self._properties, minimum))

    def map(self, size: int, gap: int) -> Mapping:
        """Map `size` bytes with unmapped addresses on either side. See `VirtualMemory.map`."""
        driver = self._driver
        try:
            handle = self._call(driver.cuMemCreate, size, self._properties, 0)
        except OutOfVirtualMemory:
            torch.cuda.empty_cache()
            handle = self._call(driver.cuMemCreate, size, self._properties, 0)
        reserved = size + 2 * gap
        reservation = int(self._call(driver.cuMemAddressReserve, reserved, 0, 0, 0))
        address = reservation + gap
        self._call(driver.cuMemMap, address, size, 0, handle, 0)
        self._call(driver.cuMemSetAccess, address, size, [self._access], 1)
        # The mapping keeps the memory alive.
        self._call(driver.cuMemRelease, handle)
        return Mapping(address, size, (reservation, reserved))

    def unmap(self, mapping: Mapping) -> None:
        """Unmap what `map` mapped. See `VirtualMemory.unmap`."""
        torch.cuda.synchronize(self.device)
        self._call(self._driver.cuMemUnmap, mapping.address, mapping.size)
        self._call(self._driver.cuMemAddressFree, *mapping.reservation)

    def view(self, mapping: Mapping, start: int, size: int) -> tuple[torch.Tensor, Any]:
        """Return a tensor on mapped memory, and what it keeps alive. See `VirtualMemory.view`."""
        owner = _Owner(mapping.address + start, size)
        return torch.as_tensor(owner, device=self.device), owner

    def _attribute(self, attribute: Any) -> int:
        return int(self._call(self._driver.cuDeviceGetAttribute, attribute, self.device.index))

    def _call(self, function: Any, *arguments: Any) -> Any:
        status, *values = function(*arguments)
        if status == self._driver.CUresult.CUDA_ERROR_OUT_OF_MEMORY:
            raise OutOfVirtualMemory(f"{function.__name__} reported {status.name}")
        if status != self._driver.CUresult.CUDA_SUCCESS:
            raise RuntimeError(f"{function.__name__} reported {status.name}")
        return values[0] if values else None
