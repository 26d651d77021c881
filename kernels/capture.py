"""What a CUDA graph's capture holds so far: whether a launch would stand right behind one of certain kernels."""

import ctypes
from collections.abc import Container

_NODE_PARAMETERS_BYTES = 256
"""More than `CUDA_KERNEL_NODE_PARAMS` takes, whose first field is the function."""


def is_behind(stream: int, functions: Container[int]) -> bool:
    """Whether what a stream captured last is one launch of one of these functions.

    False also where the driver cannot tell: before CUDA 12.3, or if the stream captures nothing.

    Args:
        stream: handle of a CUDA stream.
        functions: handles of kernels, `CUfunction`.
    """
    driver = ctypes.CDLL("libcuda.so.1")
    captured = getattr(driver, "cuStreamGetCaptureInfo_v3", None)
    if captured is None:
        return False
    status, count = ctypes.c_int(), ctypes.c_size_t()
    nodes, edges = ctypes.POINTER(ctypes.c_void_p)(), ctypes.c_void_p()
    error = captured(
        ctypes.c_void_p(stream),
        ctypes.byref(status),
        None,
        None,
        ctypes.byref(nodes),
        ctypes.byref(edges),
        ctypes.byref(count),
    )
    if error or count.value != 1:
        return False
    parameters = ctypes.create_string_buffer(_NODE_PARAMETERS_BYTES)
    if driver.cuGraphKernelNodeGetParams_v2(ctypes.c_void_p(nodes[0]), parameters):
        return False  # it is no kernel
    return ctypes.c_void_p.from_buffer(parameters).value in functions
