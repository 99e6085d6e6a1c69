"""Functions over whole columns of nested values, as expressions: column by column, or row by row in Python.

Knows nothing of what they compute.
"""

from collections.abc import Callable
from typing import Any

import polars as pl

from penstock.engine.functions import kinds
from penstock.engine.functions.casts import convert
from penstock.engine.functions.conditions import together
from penstock.engine.functions.table import Value, refuse
from penstock.engine.types import array_kind, element, is_array, polars_type


def columns(kind: str, body: Callable[..., pl.Series], *exprs: pl.Expr) -> Value:
    """What `body` makes of the columns; those of one value are as long as the others."""
    packed = pl.struct([expr.alias(f"a{place}") for place, expr in enumerate(exprs)])

    def run(rows: pl.Series) -> pl.Series:
        return body(*(rows.struct.field(f"a{place}") for place in range(len(exprs))))

    return Value(kind, packed.map_batches(run, return_dtype=polars_type(kind)))


def rows(kind: str, body: Callable[..., Any], *exprs: pl.Expr, nulls: bool = False) -> Value:
    """What `body` makes of each row's values: lists, dicts and scalars; NULL where one is, or `nulls` are its own."""
    target = polars_type(kind)

    def run(*given: pl.Series) -> pl.Series:
        each = zip(*(one.to_list() for one in given), strict=True)
        made = [body(*row) if nulls or None not in row else None for row in each]
        return pl.Series("made", made, dtype=target)

    return columns(kind, run, *exprs)


def array_of(name: str, value: Value, *others: Value) -> str:
    """The kind of what is in an array; raises `PenstockError` for anything else."""
    if not is_array(value.kind):
        raise refuse(name, value, *others, remedy="it takes an ARRAY")
    return element(value.kind).kind


def joined(name: str, *values: Value) -> tuple[str, list[pl.Expr]]:
    """Arrays in their common kind: what is in them, and they."""
    for value in values:
        if value.kind != kinds.NULL:
            array_of(name, value)
    kind, exprs = together(name, *values)
    if kind == kinds.NULL:
        raise refuse(name, *values, remedy="CAST(NULL AS ARRAY<…>)")
    return element(kind).kind, exprs


def beside(name: str, value: Value, one: Value) -> tuple[str, pl.Expr, pl.Expr]:
    """An array and a value that may stand in it, in their common kind: what is in it, it, and the value."""
    inner = kinds.wider(array_of(name, value, one), one.kind)
    if inner is None:
        raise refuse(name, value, one, remedy="CAST the value to what is in the array")
    return inner, convert(value, array_kind(inner)).expr, convert(one, inner).expr


def key_of(value: Any) -> Any:
    """A value that can be looked up; Python's 1, 1.0 and True are one kind here, for a column has one kind."""
    return repr(value) if isinstance(value, list | dict) else value
