"""Nested values as texts: ``[1, NULL]``, ``(1, a)``, ``{a=1}``, as Flink's CAST writes them.

Knows nothing of JSON, and not how what is within becomes a text: it is handed CAST.
"""

from collections.abc import Callable
from typing import TypeAlias

import polars as pl

from penstock.engine.functions.table import Value
from penstock.engine.kernels.arrow import nest, unnest
from penstock.engine.types import element, is_map, is_row, row_fields

Cast: TypeAlias = Callable[[Value, str], Value]


def shown(value: Value, kind: str, cast: Cast) -> Value:
    """A nested value as a text."""

    def part(expr: pl.Expr, kind: str) -> pl.Expr:
        return cast(Value(kind, expr), "STRING").expr.fill_null("NULL")

    if is_row(value.kind):
        parts = [part(value.expr.struct.field(f.name), f.kind) for f in row_fields(value.kind)]
        text = pl.format("({})", pl.concat_str(parts, separator=", "))
        return Value(kind, pl.when(value.expr.is_not_null()).then(text))
    inner = element(value.kind).kind
    each = pl.col("element")
    if is_map(value.kind):
        key, held = row_fields(inner)
        one = pl.format(
            "{}={}", part(each.struct.field("key"), key.kind), part(each.struct.field("value"), held.kind)
        )
    else:
        one = part(each, inner)
    opening, closing = "{}" if is_map(value.kind) else "[]"

    def written(lists: pl.Series) -> pl.Series:
        elements, offsets, valid = unnest(lists)
        texts = elements.alias("element").to_frame().select(one.alias("element")).to_series()
        joined = nest(lists.name, texts, offsets, valid).list.join(", ")
        return (opening + joined + closing).alias(lists.name)

    return Value(kind, value.expr.map_batches(written, return_dtype=pl.String))
