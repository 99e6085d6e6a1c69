"""Flink's type rules: what kind comes out when kinds meet. Kinds are the strings of `engine.types.Column.kind`.

Sources: Flink's LogicalTypeMerging (common types and decimal arithmetic) and Calcite's leastRestrictive.
Knows nothing of expressions or of polars.
"""

import re

from penstock.engine.types import (
    Column,
    array_kind,
    bare,
    element,
    is_array,
    is_map,
    is_nested,
    is_row,
    map_fields,
    map_kind,
    row_fields,
    row_kind,
)

INTEGERS = ("TINYINT", "SMALLINT", "INT", "BIGINT")
FLOATS = ("FLOAT", "DOUBLE")
TEXTS = ("STRING", "VARCHAR", "CHAR")
BINARIES = ("BYTES", "VARBINARY")
TIMES = ("TIMESTAMP", "TIMESTAMP_LTZ")
MONTHS = "INTERVAL YEAR TO MONTH"
DURATION = "INTERVAL DAY TO SECOND"
NULL = "NULL"

DECIMAL_MAX = 38
_INTEGER_DIGITS = {"TINYINT": 3, "SMALLINT": 5, "INT": 10, "BIGINT": 19}
_SPELLINGS = {"INTEGER": "INT", "TEXT": "STRING", "NUMERIC": "DECIMAL", "DEC": "DECIMAL", "REAL": "FLOAT"}
_PARTS = re.compile(r"^\s*([A-Z_]+)\s*(?:\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\))?")


def name_of(kind: str) -> str:
    """The kind without its precision: ``TIMESTAMP`` of ``TIMESTAMP(3)``."""
    name = kind.partition("(")[0].partition("<")[0].strip()
    return _SPELLINGS.get(name, name)


def digits(kind: str) -> tuple[int, int]:
    """Precision and scale of an exact number."""
    name = name_of(kind)
    if name in _INTEGER_DIGITS:
        return _INTEGER_DIGITS[name], 0
    match = _PARTS.match(kind)
    if match is None or match[2] is None:
        return 10, 0
    return int(match[2]), int(match[3] or 0)


def fraction(kind: str) -> int:
    """Digits after the second of a timestamp kind; Flink's default is 6."""
    match = _PARTS.match(kind)
    return int(match[2]) if match is not None and match[2] is not None else 6


def decimal(precision: int, scale: int) -> str:
    """The kind's spelling; beyond 38 digits the scale gives way, down to 6 digits (adjustPrecisionScale)."""
    if precision > DECIMAL_MAX:
        whole = precision - scale
        scale = max(DECIMAL_MAX - whole, min(scale, 6))
        precision = DECIMAL_MAX
    return f"DECIMAL({precision}, {scale})"


def is_integer(kind: str) -> bool:
    """TINYINT to BIGINT."""
    return name_of(kind) in INTEGERS


def is_float(kind: str) -> bool:
    """FLOAT or DOUBLE."""
    return name_of(kind) in FLOATS


def is_decimal(kind: str) -> bool:
    """DECIMAL of any size."""
    return name_of(kind) == "DECIMAL"


def is_number(kind: str) -> bool:
    """Exact or approximate."""
    return is_integer(kind) or is_float(kind) or is_decimal(kind)


def is_text(kind: str) -> bool:
    """STRING, VARCHAR(n) or CHAR(n)."""
    return name_of(kind) in TEXTS


def is_time(kind: str) -> bool:
    """A timestamp, with or without local time zone."""
    return name_of(kind) in TIMES


def is_interval(kind: str) -> bool:
    """Either family of intervals."""
    return kind in (MONTHS, DURATION)


def wider(left: str, right: str) -> str | None:
    """The kind both convert to without being asked, or None where Flink has none."""
    if right in (left, NULL):
        return left
    if left == NULL:
        return right
    if is_nested(left) and is_nested(right):
        return _wider_nested(bare(left), bare(right))
    if is_number(left) and is_number(right):
        return _wider_number(left, right)
    if is_text(left) and is_text(right):
        return "STRING"
    if is_time(left) and is_time(right):
        name = "TIMESTAMP_LTZ" if "TIMESTAMP_LTZ" in (name_of(left), name_of(right)) else "TIMESTAMP"
        return f"{name}({max(fraction(left), fraction(right))})"
    if {name_of(left), name_of(right)} <= {"DATE", *TIMES}:
        return left if is_time(left) else right
    if name_of(left) in BINARIES and name_of(right) in BINARIES:
        return "BYTES"
    return left if name_of(left) == name_of(right) else None


def _wider_nested(left: str, right: str) -> str | None:
    """Part by part; rows by their fields' places, under the first one's names."""
    if is_row(left) and is_row(right):
        pairs = list(zip(row_fields(left), row_fields(right), strict=False))
        found = [wider(one.kind, other.kind) for one, other in pairs]
        if len(row_fields(left)) != len(row_fields(right)):
            return None
        parts = [Column(one.name, kind) for (one, _), kind in zip(pairs, found, strict=True) if kind]
        return row_kind(parts) if len(parts) == len(pairs) else None
    if is_array(left) and is_array(right):
        inner = wider(element(left).kind, element(right).kind)
        return None if inner is None else array_kind(inner)
    if left.startswith("MAP<") and right.startswith("MAP<"):
        key, value = (
            wider(one.kind, other.kind)
            for one, other in zip(map_fields(left), map_fields(right), strict=True)
        )
        return None if key is None or value is None else map_kind(key, value)
    return left if is_map(left) and left == right else None


def _wider_number(left: str, right: str) -> str:
    names = (name_of(left), name_of(right))
    if "DOUBLE" in names:
        return "DOUBLE"
    if "FLOAT" in names:
        return "DOUBLE" if "DECIMAL" in names else "FLOAT"
    if "DECIMAL" in names:
        (p1, s1), (p2, s2) = digits(left), digits(right)
        scale = max(s1, s2)
        return decimal(max(p1 - s1, p2 - s2) + scale, scale)
    return max(names, key=INTEGERS.index)


def arithmetic(sign: str, left: str, right: str) -> str | None:
    """The kind of ``left sign right`` for numbers; `sign` is one of ``+ - * / %``."""
    if NULL in (left, right):
        left, right = (left if right == NULL else right,) * 2
    if not (is_number(left) and is_number(right)):
        return None
    if not (is_decimal(left) or is_decimal(right)) or is_float(left) or is_float(right):
        whole = is_integer(left) and is_integer(right)
        return right if sign == "%" and whole else _wider_number(left, right)
    (p1, s1), (p2, s2) = digits(left), digits(right)
    if sign == "*":
        return decimal(p1 + p2 + 1, s1 + s2)
    if sign == "/":
        scale = max(6, s1 + p2 + 1)
        return decimal(p1 - s1 + s2 + scale, scale)
    if sign == "%":
        scale = max(s1, s2)
        return right if s1 == s2 == 0 else decimal(min(p1 - s1, p2 - s2) + scale, scale)
    scale = max(s1, s2)
    return decimal(max(p1 - s1, p2 - s2) + scale + 1, scale)


def of_aggregate(function: str, argument: str | None) -> str | None:
    """The kind of an aggregate's result, or None where Flink refuses the argument.

    COUNT is BIGINT, SUM, AVG, STDDEV and VAR keep the argument's (so the AVG of
    integers is an integer, cut off towards zero); decimals widen to 38 digits.
    """
    name = function.partition(" ")[0].upper()
    if name == "COUNT":
        return "BIGINT"
    if argument is None:
        return None
    if name in ("ARRAY_AGG", "COLLECT"):
        return f"{'ARRAY' if name == 'ARRAY_AGG' else 'MULTISET'}<{argument}>"
    if name == "LISTAGG":
        return "STRING" if is_text(argument) else None
    if name in ("MIN", "MAX", "FIRST_VALUE", "LAST_VALUE"):
        return None if is_nested(argument) else argument
    if not is_number(argument):
        return None
    if name == "SUM":
        return decimal(DECIMAL_MAX, digits(argument)[1]) if is_decimal(argument) else argument
    if is_decimal(argument):
        scale = digits(argument)[1]
        return decimal(DECIMAL_MAX, max(6, scale))
    return argument
