"""Launches of small kernels, written down in Triton's IR."""

from typing import Any

import z3

from tests.instruments.proof.launch import TERMS, SymbolicLaunch, TensorTerms

BUF = TensorTerms("buf", (TERMS["num_pages"], z3.IntVal(8_448)), (TERMS["page_stride"], TERMS["byte_stride"]), 1)
TABLE = TensorTerms(
    "page_indices", (TERMS["batch"], TERMS["max_pages"]), (TERMS["table_stride"], TERMS["table_step"]), 4
)
LENGTHS = TensorTerms("seq_lens", (TERMS["batch"],), (TERMS["lengths_stride"],), 8)
RESULT = TensorTerms("result_0", (TERMS["seq_len_sum"], z3.IntVal(4)), (z3.IntVal(4), z3.IntVal(1)), 1)


def launch(body: str, *conditions: Any, grid: Any = TERMS["batch"]) -> SymbolicLaunch:
    """Return a launch of a kernel whose parameters are lengths, their stride, the batch, the result and its rows.

    Args:
        body: the kernel's operations: it knows `%lens`, `%stride` (i64), `%batch` (i32), `%out`, `%rows` (i64).
        conditions: of the host's path.
        grid: programs on the first axis.
    """
    one = z3.IntVal(1)
    numbers = [TERMS[name] for name in ("lengths_stride", "batch", "seq_len_sum")]
    lines = "\n".join(f"    {line.strip()}" for line in body.strip().splitlines())
    return SymbolicLaunch(
        kernel="small",
        ir="module {\n  tt.func public @small(%lens: !tt.ptr<i64>, %stride: i64, %batch: i32, %out: !tt.ptr<i8>, "
        f"%rows: i64) attributes {{noinline = false}} {{\n{lines}\n    tt.return\n  }}\n}}\n",
        grid=(grid, one, one),
        arguments=(LENGTHS, numbers[0], numbers[1], RESULT, numbers[2]),
        tensors=(BUF, TABLE, LENGTHS, RESULT),
        returned=(RESULT,),
        is_only=True,
        conditions=conditions,
        example={},
    )


READ_ONE = """
%p = tt.get_program_id x : i32
%w = arith.extsi %p : i32 to i64
%o = arith.muli %w, %stride : i64
%a = tt.addptr %lens, %o : !tt.ptr<i64>, i64
%v = tt.load %a : !tt.ptr<i64>
"""
"""Each program reads the length of its sequence."""

READ_IN_32_BITS = """
%p = tt.get_program_id x : i32
%w = arith.extsi %p : i32 to i64
%x = arith.muli %w, %stride : i64
%o = arith.trunci %x : i64 to i32
%a = tt.addptr %lens, %o : !tt.ptr<i64>, i32
%v = tt.load %a : !tt.ptr<i64>
"""
"""The same, with an offset that may wrap."""

READ_TILE = """
%p = tt.get_program_id x : i32
%c64 = arith.constant 64 : i32
%f = arith.muli %p, %c64 : i32
%r = tt.make_range {end = 64 : i32, start = 0 : i32} : tensor<64xi32>
%s = tt.splat %f : i32 -> tensor<64xi32>
%i = arith.addi %s, %r : tensor<64xi32>
%b = tt.splat %batch : i32 -> tensor<64xi32>
%m = arith.cmpi slt, %i, %b : tensor<64xi32>
%w = arith.extsi %i : tensor<64xi32> to tensor<64xi64>
%t = tt.splat %stride : i64 -> tensor<64xi64>
%o = arith.muli %w, %t : tensor<64xi64>
%q = tt.splat %lens : !tt.ptr<i64> -> tensor<64x!tt.ptr<i64>>
%a = tt.addptr %q, %o : tensor<64x!tt.ptr<i64>>, tensor<64xi64>
%z = arith.constant dense<0> : tensor<64xi64>
%v = tt.load %a, %m, %z : tensor<64x!tt.ptr<i64>>
"""
"""Each program reads 64 lengths, as far as there are so many."""

WRITE_TOTAL = (
    READ_TILE
    + """
%sum = "tt.reduce"(%v) <{axis = 0 : i32}> ({
^bb0(%x: i64, %y: i64):
%xy = arith.addi %x, %y : i64
tt.reduce.return %xy : i64
}) : (tensor<64xi64>) -> i64
%c0 = arith.constant 0 : i64
%low = arith.maxsi %sum, %c0 : i64
%ok = arith.cmpi slt, %low, %rows : i64
%d = tt.addptr %out, %low : !tt.ptr<i8>, i64
%byte = arith.constant 7 : i8
tt.store %d, %byte, %ok : !tt.ptr<i8>
"""
)
"""It then writes one byte of the result, at the sum of what it read, as far as there are so many rows."""

READ_WHERE_A_NUMBER_SAYS = (
    READ_ONE
    + """
%n = arith.extsi %batch : i32 to i64
%c0 = arith.constant 0 : i64
%ge = arith.cmpi sge, %v, %c0 : i64
%lt = arith.cmpi slt, %v, %n : i64
%ok = arith.andi %ge, %lt : i1
%again = tt.load %a : !tt.ptr<i64>
%y = arith.muli %again, %stride : i64
%b = tt.addptr %lens, %y : !tt.ptr<i64>, i64
%u = tt.load %b, %ok, %c0 : !tt.ptr<i64>
"""
)
"""Each program then reads its number again, and the one at that place, if there is such a place."""
