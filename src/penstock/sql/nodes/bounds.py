"""Bounds between two times: ``a.t BETWEEN b.t - INTERVAL '1' MINUTE AND b.t`` as milliseconds.

Knows expressions over two time columns; what a bound is for is the caller's.
"""

from dataclasses import dataclass

from sqlglot import exp

from penstock.sql.faults import QueryError
from penstock.sql.nodes.intervals import milliseconds


@dataclass(frozen=True, slots=True)
class Bound:
    """``right + low_ms <= left <= right + high_ms``; None where nothing is said."""

    low_ms: int | None = None
    high_ms: int | None = None


def bound_of(condition: exp.Expression, left: str, right: str) -> Bound | None:
    """What a comparison says about `left` and `right`; None where it says something else."""
    match condition:
        case exp.Between():
            low = _compared(">=", condition.this, condition.args["low"], left, right)
            high = _compared("<=", condition.this, condition.args["high"], left, right)
            if low is None or high is None:
                return None
            return Bound(
                low.low_ms if low.low_ms is not None else high.low_ms,
                high.high_ms if high.high_ms is not None else low.high_ms,
            )
        case exp.GTE() | exp.GT() | exp.LTE() | exp.LT():
            return _compared(_SIGNS[type(condition)], condition.this, condition.expression, left, right)
    return None


_SIGNS: dict[type, str] = {exp.GTE: ">=", exp.GT: ">", exp.LTE: "<=", exp.LT: "<"}
_TURNED = {">=": "<=", ">": "<", "<=": ">=", "<": ">"}


def _compared(sign: str, one: exp.Expression, other: exp.Expression, left: str, right: str) -> Bound | None:
    first, second = _moved(one), _moved(other)
    if first is None or second is None:
        return None
    if (first[0], second[0]) == (right, left):
        first, second, sign = second, first, _TURNED[sign]
    if (first[0], second[0]) != (left, right):
        return None
    by_ms = (
        second[1] - first[1]
    )  # left + a ? right + b, so left ? right + (b - a); times are whole milliseconds
    match sign:
        case ">=":
            return Bound(low_ms=by_ms)
        case ">":
            return Bound(low_ms=by_ms + 1)
        case "<=":
            return Bound(high_ms=by_ms)
    return Bound(high_ms=by_ms - 1)


def _moved(node: exp.Expression) -> tuple[str, int] | None:
    """A column and how far it is moved: ``t - INTERVAL '1' SECOND`` is (t, -1000)."""
    if isinstance(node, exp.Column):
        return node.name, 0
    if isinstance(node, exp.Add | exp.Sub) and isinstance(node.expression, exp.Interval):
        inner = _moved(node.this)
        try:
            by_ms = milliseconds(node.expression, "a bound")
        except QueryError:
            return None
        return inner and (inner[0], inner[1] + (by_ms if isinstance(node, exp.Add) else -by_ms))
    return None
