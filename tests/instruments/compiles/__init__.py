"""Whether Triton's compiler takes what a call launches on the interpreter.

The interpreter runs Python, and so runs kernels that no GPU will ever see: the compiler is stricter. Each variant that
a call launches is brought to Triton's IR, and one of each set of constants to sm_90's machine code, in a process in
which Triton compiles. What was found is kept on disk by all that it depends on. A grid without programs makes no
difference: Triton compiles before it looks at the grid.
"""

from .instrument import CompiledCall, Compiles

__all__ = ["CompiledCall", "Compiles"]
