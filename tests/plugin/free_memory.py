"""Prints the free bytes of memory of each GPU that this process may use, one a line: none without a driver that works.

What fails after that ends it with a sentence and status 1.

A process of its own: CUDA tells it to a process that takes memory itself, and keeps that until it ends. And without
torch, whose import takes longer than the rest of a run's start.
"""

import ctypes
import sys


def main() -> None:
    """Ask the driver."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return

    def ask(function: str, *arguments: object) -> None:
        status = getattr(driver, function)(*arguments)
        if status:
            text = ctypes.c_char_p()
            driver.cuGetErrorString(status, ctypes.byref(text))
            sys.exit(f"{function}: {(text.value or b'unknown').decode()} (CUDA error {status})")

    count, context = ctypes.c_int(), ctypes.c_void_p()
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    if driver.cuInit(0):
        return
    ask("cuDeviceGetCount", ctypes.byref(count))
    for ordinal in range(count.value):
        device = ctypes.c_int()
        ask("cuDeviceGet", ctypes.byref(device), ordinal)
        ask("cuDevicePrimaryCtxRetain", ctypes.byref(context), device)
        ask("cuCtxSetCurrent", context)
        ask("cuMemGetInfo_v2", ctypes.byref(free), ctypes.byref(total))
        print(free.value)


if __name__ == "__main__":
    main()
