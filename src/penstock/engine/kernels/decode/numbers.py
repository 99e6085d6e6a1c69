"""Numbers as text: JSON's grammar, and decimal to double and float, exactly or not at all.

Sources: RFC 8259, section 6; Clinger, "How to read floating point numbers accurately"; Lemire, "Number parsing at a
gigabyte per second". What these do not settle is told, for another reader. Knows nothing of columns.
"""

from typing import Any

import numpy as np
from numba.extending import register_jitable

from penstock.engine.kernels.decode.words import bits_of, float_of, leading, peek, product

DIGITS_MAX = 19  # as many as fit an unsigned word
_LOW, _HIGH = -342, 308


def _five(power: int) -> int:
    """The upper 128 bits of five to a power, its top bit set; of the reciprocal rounded up where it is negative."""
    if power >= 0:
        whole: int = 5**power
        return (
            whole << (128 - whole.bit_length()) if whole < 1 << 128 else whole >> (whole.bit_length() - 128)
        )
    divisor: int = 5**-power
    bits = (divisor - 1).bit_length()
    whole = (1 << (bits + 127 if power >= -27 else 2 * bits + 128)) // divisor + 1
    return whole >> max(whole.bit_length() - 128, 0)


FIVES = np.array(
    [half for power in range(_LOW, _HIGH + 1) for half in divmod(_five(power), 1 << 64)], np.uint64
)
TENS = np.array([10.0**power for power in range(23)])
POWERS = np.array([10**power for power in range(19)], np.int64)


@register_jitable(forceinline=True, _nrt=False)
def number_of(data: Any, at: Any) -> Any:
    """(where it ends, negative, mantissa, digits of it, power of ten, whole) of a JSON number; the end -1 if it is none.

    Something that is no digit must follow in `data`. With more than `DIGITS_MAX` digits the mantissa means nothing.
    `whole`: there is neither a fraction nor an exponent.
    """
    negative = peek(data, at) == 45
    if negative:
        at += 1
    mantissa, digits, power, whole = np.int64(0), 0, 0, True
    digit = peek(data, at) - 48
    start = at
    while 0 <= digit <= 9:
        mantissa = mantissa * 10 + digit
        at += 1
        digit = peek(data, at) - 48
    digits = at - start
    if digits == 0 or (digits > 1 and peek(data, start) == 48):
        return np.int64(-1), negative, mantissa, digits, power, whole
    if digit == -2:  # the point
        whole = False
        at += 1
        point = at
        digit = peek(data, at) - 48
        while 0 <= digit <= 9:
            mantissa = mantissa * 10 + digit
            if digits < 2 and mantissa == digit:
                digits = 0  # zeros in front do not count
            digits += 1
            at += 1
            digit = peek(data, at) - 48
        power = point - at
        if power == 0:
            return np.int64(-1), negative, mantissa, digits, power, whole
    if digit in (21, 53):  # E or e
        whole = False
        at += 1
        sign = peek(data, at)
        if sign in (43, 45):
            at += 1
        start, written = at, 0
        digit = peek(data, at) - 48
        while 0 <= digit <= 9:
            written = min(written * 10 + digit, 100000)
            at += 1
            digit = peek(data, at) - 48
        if at == start:
            return np.int64(-1), negative, mantissa, digits, power, whole
        power += -written if sign == 45 else written
    return at, negative, mantissa, digits, power, whole


@register_jitable(forceinline=True, _nrt=False)
def double(mantissa: Any, power: Any) -> Any:
    """(settled, the double nearest to mantissa · 10^power): ties to even; never settled where it is not a normal one."""
    if mantissa == 0:
        return True, 0.0
    if 0 < mantissa <= 9007199254740992 and -22 <= power <= 22:
        held = np.float64(mantissa)
        return True, held / TENS[-power] if power < 0 else held * TENS[power]
    if power < -342 or power > 308:
        return False, 0.0
    return _lemire(np.uint64(mantissa), power)


@register_jitable(forceinline=True, _nrt=False)
def _lemire(mantissa: Any, power: Any) -> Any:
    zeros = leading(mantissa)
    shifted = mantissa << np.uint64(zeros)
    row = 2 * (power + 342)
    upper, lower = product(shifted, FIVES[row]), shifted * FIVES[row]
    if (upper & np.uint64(511)) == np.uint64(511):
        more = product(shifted, FIVES[row + 1])
        lower = lower + more
        if more > lower:
            upper = upper + np.uint64(1)
    if lower == np.uint64(0xFFFFFFFFFFFFFFFF) and (power < -27 or power > 55):
        return False, 0.0
    top = np.int64(upper >> np.uint64(63))
    shift = np.uint64(top + 9)
    made = upper >> shift
    exponent = ((217706 * power) >> 16) + 63 + top - zeros + 1023
    if exponent <= 0:
        return False, 0.0
    halfway = lower <= np.uint64(1) and -4 <= power <= 23 and (made & np.uint64(3)) == np.uint64(1)
    if halfway and (made << shift) == upper:
        made = made & ~np.uint64(1)
    made = (made + (made & np.uint64(1))) >> np.uint64(1)
    if made >= np.uint64(1 << 53):
        made = np.uint64(1 << 52)
        exponent += 1
    if exponent >= 2047:
        return False, 0.0
    return True, float_of((made & np.uint64((1 << 52) - 1)) | (np.uint64(exponent) << np.uint64(52)))


@register_jitable(forceinline=True, _nrt=False)
def single(near: Any) -> Any:
    """(settled, the float nearest to what `near` is the nearest double to); halfway, the digits lost would decide."""
    size = abs(near)
    if size == 0.0:
        return True, np.float32(near)
    if size < 1.1754943508222875e-38 or size > 3.4028234663852886e38:
        return False, np.float32(0.0)
    return (bits_of(near) & 0x1FFFFFFF) != 0x10000000, np.float32(near)


@register_jitable(forceinline=True, _nrt=False)
def rounded(mantissa: Any, drop: Any) -> Any:
    """The mantissa without its last `drop` digits, halves away from zero."""
    if drop <= 0:
        return mantissa
    if drop > 18:
        return np.int64(0)
    unit = POWERS[drop]
    whole = mantissa // unit
    return whole + 1 if (mantissa - whole * unit) * 2 >= unit else whole
