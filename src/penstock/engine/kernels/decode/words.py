"""Bytes by the word: unaligned loads, 32 bytes looked at at once, and what a 64-bit multiplication loses.

Each is a few machine instructions when compiled, and plain Python otherwise. Loads are not checked against the
array's end, unless PENSTOCK_BOUNDS is set when this is imported: then they are, for tests. Knows nothing of formats.
"""

import os
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic, overload

CHECKED = "PENSTOCK_BOUNDS" in os.environ
LANES = 32


def machine(generate: Callable[..., Any]) -> Any:
    """numba's `intrinsic`: a function that writes LLVM's instructions."""
    return intrinsic(generate)


def _address(context: Any, builder: Any, kind: Any, array: Any, at: Any) -> Any:
    return builder.gep(context.make_array(kind)(context, builder, array).data, [at])


def _load(width: int, signed_out: Any) -> Any:
    """An intrinsic that loads `width` bytes, little-endian as all machines numba knows are."""

    @machine
    def load(typing: Any, data: Any, at: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            place = _address(context, builder, signature.args[0], *arguments)
            whole = ir.IntType(8 * width)
            read = builder.load(builder.bitcast(place, whole.as_pointer()), align=1)
            return read if width == 8 else builder.zext(read, ir.IntType(64))

        return signed_out(data, types.int64), generate

    return load


_load1, _load4, _load8 = _load(1, types.int64), _load(4, types.int64), _load(8, types.uint64)


@machine
def _special(typing: Any, data: Any, at: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = _address(context, builder, signature.args[0], *arguments)
        lanes = ir.VectorType(ir.IntType(8), LANES)
        read = builder.load(builder.bitcast(place, lanes.as_pointer()), align=1)

        def all_of(byte: int) -> Any:
            return ir.Constant(lanes, [byte] * LANES)

        found = builder.icmp_signed("<", read, all_of(32))  # below the blank, or (as negative) above ASCII
        for byte in (34, 92):
            found = builder.or_(found, builder.icmp_signed("==", read, all_of(byte)))
        return builder.zext(builder.bitcast(found, ir.IntType(LANES)), ir.IntType(64))

    return types.int64(data, types.int64), generate


@machine
def _equal(typing: Any, data: Any, at: Any, byte: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = _address(context, builder, signature.args[0], *arguments[:2])
        lanes = ir.VectorType(ir.IntType(8), LANES)
        read = builder.load(builder.bitcast(place, lanes.as_pointer()), align=1)
        one = builder.insert_element(
            ir.Constant(lanes, ir.Undefined),
            builder.trunc(arguments[2], ir.IntType(8)),
            ir.Constant(ir.IntType(32), 0),
        )
        every = builder.shuffle_vector(
            one, one, ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        )
        found = builder.icmp_signed("==", read, every)
        return builder.zext(builder.bitcast(found, ir.IntType(LANES)), ir.IntType(64))

    return types.int64(data, types.int64, types.int64), generate


@machine
def _trailing(typing: Any, number: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.int64), generate


@machine
def _leading(typing: Any, number: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctlz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.uint64), generate


@machine
def _product(typing: Any, left: Any, right: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        wide = ir.IntType(128)
        whole = builder.mul(*(builder.zext(one, wide) for one in arguments))
        return builder.trunc(builder.lshr(whole, ir.Constant(wide, 64)), ir.IntType(64))

    return types.uint64(types.uint64, types.uint64), generate


@machine
def _float_of(typing: Any, bits: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.DoubleType())

    return types.float64(types.uint64), generate


@machine
def _bits_of(typing: Any, number: Any) -> Any:
    narrow = number == types.float32

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.IntType(32 if narrow else 64))

    return (types.int32(types.float32) if narrow else types.int64(types.float64)), generate


@machine
def _store8(typing: Any, data: Any, at: Any, number: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = _address(context, builder, signature.args[0], *arguments[:2])
        builder.store(arguments[2], builder.bitcast(place, ir.IntType(64).as_pointer()), align=1)
        return arguments[2]

    return types.uint64(data, types.int64, types.uint64), generate


@machine
def _carry(typing: Any, out: Any, to: Any, data: Any, at: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        lanes = ir.VectorType(ir.IntType(8), LANES).as_pointer()
        target = _address(context, builder, signature.args[0], *arguments[:2])
        source = _address(context, builder, signature.args[2], *arguments[2:])
        read = builder.load(builder.bitcast(source, lanes), align=1)
        builder.store(read, builder.bitcast(target, lanes), align=1)
        return arguments[3]

    return types.int64(out, types.int64, data, types.int64), generate


# --- what kernels call ---------------------------------------------------------------------------------------------


def peek(data: Any, at: Any) -> Any:
    """The byte at a place, as a signed number."""
    return int(data[at])


def four(data: Any, at: Any) -> Any:
    """Four bytes from a place on."""
    return int.from_bytes(data[at : at + 4].tobytes(), "little")


def eight(data: Any, at: Any) -> Any:
    """Eight bytes from a place on, unsigned."""
    return np.uint64(int.from_bytes(data[at : at + 8].tobytes(), "little"))


def special(data: Any, at: Any) -> Any:
    """Which of 32 bytes are a quote, a backslash, a control character or not ASCII: a bit each."""
    found = 0
    for lane in range(LANES):
        byte = int(data[at + lane])
        if byte in (34, 92) or byte < 32 or byte >= 128:
            found |= 1 << lane
    return found


def equal(data: Any, at: Any, byte: Any) -> Any:
    """Which of 32 bytes are this one: a bit each."""
    return sum(1 << lane for lane in range(LANES) if int(data[at + lane]) == int(byte))


def set_eight(out: Any, at: Any, number: Any) -> Any:
    """Lay down eight bytes."""
    out[at : at + 8] = np.frombuffer(int(number).to_bytes(8, "little"), np.uint8)
    return number


def carry(out: Any, to: Any, data: Any, at: Any) -> Any:
    """Lay down 32 bytes from elsewhere."""
    out[to : to + LANES] = data[at : at + LANES]
    return at


def trailing(number: Any) -> Any:
    """Zero bits below the lowest one; 64 where there is none."""
    return (int(number) & -int(number)).bit_length() - 1 if number else 64


def leading(number: Any) -> Any:
    """Zero bits above the highest one of an unsigned number."""
    return 64 - int(number).bit_length()


def product(left: Any, right: Any) -> Any:
    """The upper half of a product of unsigned numbers."""
    return np.uint64(int(left) * int(right) >> 64)


def float_of(bits: Any) -> Any:
    """The double that has these bits."""
    return np.uint64(bits).view(np.float64)


def bits_of(number: Any) -> Any:
    """A double's bits as a signed number, or a float's."""
    return number.view(np.int32) if isinstance(number, np.float32) else np.float64(number).view(np.int64)


def _compiled(plain: Callable[..., Any], unchecked: Any, width: int) -> None:
    """Where it is compiled, `plain` is `unchecked`, behind a look at the array's last byte if that is asked for."""

    def with_look(data: Any, at: Any) -> Any:
        if at < 0 or at + width > len(data):
            raise IndexError("a load reaches past the end")
        return unchecked(data, at)

    def without(data: Any, at: Any) -> Any:
        return unchecked(data, at)

    def chosen(data: Any, at: Any) -> Any:
        return with_look if CHECKED else without

    overload(plain)(chosen)


for _plain, _unchecked, _width in (
    (peek, _load1, 1),
    (four, _load4, 4),
    (eight, _load8, 8),
    (special, _special, LANES),
):
    _compiled(_plain, _unchecked, _width)


@overload(equal)
def _(data: Any, at: Any, byte: Any) -> Any:
    def with_look(data: Any, at: Any, byte: Any) -> Any:
        if at < 0 or at + LANES > len(data):
            raise IndexError("a load reaches past the end")
        return _equal(data, at, byte)

    def without(data: Any, at: Any, byte: Any) -> Any:
        return _equal(data, at, byte)

    return with_look if CHECKED else without


@overload(set_eight)
def _(out: Any, at: Any, number: Any) -> Any:
    def with_look(out: Any, at: Any, number: Any) -> Any:
        if at < 0 or at + 8 > len(out):
            raise IndexError("a store reaches past the end")
        return _store8(out, at, number)

    def without(out: Any, at: Any, number: Any) -> Any:
        return _store8(out, at, number)

    return with_look if CHECKED else without


@overload(carry)
def _(out: Any, to: Any, data: Any, at: Any) -> Any:
    def with_look(out: Any, to: Any, data: Any, at: Any) -> Any:
        if to < 0 or at < 0 or to + 32 > len(out) or at + 32 > len(data):
            raise IndexError("a copy reaches past the end")
        return _carry(out, to, data, at)

    def without(out: Any, to: Any, data: Any, at: Any) -> Any:
        return _carry(out, to, data, at)

    return with_look if CHECKED else without


@overload(trailing)
def _(number: Any) -> Any:
    def made(number: Any) -> Any:
        return _trailing(number)

    return made


@overload(leading)
def _(number: Any) -> Any:
    def made(number: Any) -> Any:
        return _leading(number)

    return made


@overload(product)
def _(left: Any, right: Any) -> Any:
    def made(left: Any, right: Any) -> Any:
        return _product(left, right)

    return made


@overload(float_of)
def _(bits: Any) -> Any:
    def made(bits: Any) -> Any:
        return _float_of(bits)

    return made


@overload(bits_of)
def _(number: Any) -> Any:
    def made(number: Any) -> Any:
        return _bits_of(number)

    return made
