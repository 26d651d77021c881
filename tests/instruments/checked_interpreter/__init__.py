"""Run Triton kernels on Triton's interpreter with every access checked before it happens.

See `CheckedInterpreter` for the interface and `kinds` for what is found.
"""

from .checker import CheckedInterpreter, Watch
from .violations import Traffic, Violation

__all__ = ["CheckedInterpreter", "Traffic", "Violation", "Watch"]
