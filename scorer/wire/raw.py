"""Single values read from and written to raw memory by address, at any alignment, in compiled code only.

One load instead of eight byte copies is what makes decoding a double cheap. The caller vouches for the bounds:
every function here trusts its address. Values are little-endian, as Avro's are, on the machines that numba and the
Kafka client run on (x86-64 and ARM64).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from scorer.compiled import borrowing

if np.dtype(np.int64).newbyteorder("<") != np.dtype(np.int64):  # pragma: no cover
    raise ImportError(
        "scorer.wire reads Avro's little-endian numbers as they lie in memory: this machine is big-endian"
    )


def _load(value: Any, bits: ir.Type) -> Any:
    """An intrinsic ``load(address) -> value`` of one LLVM type."""

    @intrinsic  # type: ignore[untyped-decorator]  # numba ships no types for it
    def load(_context: Any, _address: Any) -> Any:
        def generate(_c: Any, builder: Any, _s: Any, arguments: Any) -> Any:
            return builder.load(builder.inttoptr(arguments[0], bits.as_pointer()), align=1)

        return value(types.int64), generate

    return load


def _load_small(bits: ir.Type) -> Any:
    """An intrinsic ``load(address) -> int64`` of an unsigned number of fewer than 64 bits.

    Not a small unsigned type: numba would compare and mix that with signed numbers by way of floating point.
    """

    @intrinsic  # type: ignore[untyped-decorator]
    def load(_context: Any, _address: Any) -> Any:
        def generate(_c: Any, builder: Any, _s: Any, arguments: Any) -> Any:
            small = builder.load(builder.inttoptr(arguments[0], bits.as_pointer()), align=1)
            return builder.zext(small, ir.IntType(64))

        return types.int64(types.int64), generate

    return load


def _store_small(bits: ir.Type) -> Any:
    """An intrinsic ``store(address, value)`` of the lowest bits of an int64."""

    @intrinsic  # type: ignore[untyped-decorator]
    def store(_context: Any, _address: Any, _value: Any) -> Any:
        def generate(context: Any, builder: Any, _s: Any, arguments: Any) -> Any:
            small = builder.trunc(arguments[1], bits)
            builder.store(small, builder.inttoptr(arguments[0], bits.as_pointer()), align=1)
            return context.get_dummy_value()

        return types.void(types.int64, types.int64), generate

    return store


def _store(value: Any, bits: ir.Type) -> Any:
    """An intrinsic ``store(address, value)`` of one LLVM type."""

    @intrinsic  # type: ignore[untyped-decorator]
    def store(_context: Any, _address: Any, _value: Any) -> Any:
        def generate(context: Any, builder: Any, _s: Any, arguments: Any) -> Any:
            builder.store(arguments[1], builder.inttoptr(arguments[0], bits.as_pointer()), align=1)
            return context.get_dummy_value()

        return types.void(types.int64, value), generate

    return store


load_u8 = _load_small(ir.IntType(8))
load_u32 = _load_small(ir.IntType(32))
load_u64 = _load(types.uint64, ir.IntType(64))
load_f32 = _load(types.float32, ir.FloatType())
load_f64 = _load(types.float64, ir.DoubleType())
store_u8 = _store_small(ir.IntType(8))
store_u32 = _store_small(ir.IntType(32))
store_u64 = _store(types.uint64, ir.IntType(64))
store_f32 = _store(types.float32, ir.FloatType())
store_f64 = _store(types.float64, ir.DoubleType())


@intrinsic  # type: ignore[untyped-decorator]
def trailing_zeros(_context: Any, _word: Any) -> Any:
    """How many low bits of a uint64 are zero, as int64; 64 for zero."""

    def generate(_c: Any, builder: Any, _s: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.uint64), generate


@borrowing
def copy_bytes(target: int, source: int, length: int) -> None:
    """Copy bytes between places that do not overlap. For the short strings of records: no call, few branches."""
    if length >= 8:
        for at in range(0, length - 7, 8):
            store_u64(target + at, load_u64(source + at))
        # The rest by a last word that overlaps the one before.
        store_u64(target + length - 8, load_u64(source + length - 8))
    elif length >= 4:
        store_u32(target, load_u32(source))
        store_u32(target + length - 4, load_u32(source + length - 4))
    else:
        for at in range(length):
            store_u8(target + at, load_u8(source + at))


@borrowing
def same_bytes(one: int, other: int, length: int) -> bool:
    """Whether the same bytes stand in two places."""
    for at in range(length):  # noqa: SIM110 - any() has no compiled form without a list
        if load_u8(one + at) != load_u8(other + at):
            return False
    return True
