"""``LAG(value, offset, default) OVER (…)``: what stands in the call, as Flink takes it in a stream.

Source: Flink documentation, "Built-in functions", LAG; what its planner takes of it, by asking. Knows no frames.
"""

from dataclasses import dataclass

from sqlglot import exp

from penstock.engine.functions import kinds
from penstock.engine.plan import Node
from penstock.sql.faults import QueryError
from penstock.sql.lower.binder import Scope, bind
from penstock.sql.nodes.kinds import kind

NAME = "LAG"
USAGE = "LAG(x), LAG(x, 2), or LAG(x, 1, 0) OVER (PARTITION BY k ORDER BY ts)"
AFTER = (exp.IgnoreNulls, exp.RespectNulls, exp.Filter)
OFFSET_MAX = 2**31 - 1
"""Flink's offset is an INT."""


@dataclass(frozen=True)
class Call:
    """What a LAG says, not bound yet."""

    value: exp.Expression
    offset: int
    default: exp.Expression | None


def is_lag(said: exp.Expression) -> bool:
    """Whether it is LAG, whatever words come after it."""
    while isinstance(said, AFTER):
        said = said.this
    return isinstance(said, exp.Anonymous) and said.name.upper() == NAME


def read(call: exp.Window) -> Call:
    """A LAG's parts; raises `QueryError` for what it does not take."""
    if call.args.get("spec") is not None:
        raise QueryError("LAG takes no ROWS or RANGE", call, remedy=USAGE)
    inner: exp.Expression = call.this
    while isinstance(inner, AFTER):
        if isinstance(inner, exp.IgnoreNulls):  # Flink takes the words, and counts nulls all the same
            raise QueryError("LAG counts every row, also where the value is NULL", call, remedy=USAGE)
        if isinstance(inner, exp.Filter):
            raise QueryError("LAG takes no FILTER", call, remedy="filter the rows in a subquery first")
        inner = inner.this
    if not 1 <= len(inner.expressions) <= 3:
        raise QueryError("LAG takes a value, an offset and a default", inner, remedy=USAGE)
    value, *rest = inner.expressions
    if isinstance(value, exp.Distinct):
        raise QueryError("LAG takes no DISTINCT", inner, remedy=USAGE)
    return Call(value, _offset(rest[0]) if rest else 1, rest[1] if len(rest) > 1 else None)


def _offset(node: exp.Expression) -> int:
    if not (isinstance(node, exp.Literal) and node.name.isdigit() and not node.is_string):
        raise QueryError("LAG's offset is a whole number, written out", node, remedy=USAGE)
    if int(node.name) > OFFSET_MAX:
        raise QueryError(f"LAG's offset is {OFFSET_MAX} at most", node, remedy=USAGE)
    return int(node.name)


def default_of(call: Call, node: Node, scope: Scope) -> exp.Expression:
    """The default, which must be of the value's kind, as Flink has it."""
    assert call.default is not None
    value, default = (kind(bind(part, scope), node.schema) for part in (call.value, call.default))
    if value != default and not (kinds.is_text(value) and kinds.is_text(default)):
        raise QueryError(
            f"LAG's value is {value}, its default {default}",
            call.default,
            remedy=f"CAST({call.default.sql()} AS {value})",
        )
    return call.default
