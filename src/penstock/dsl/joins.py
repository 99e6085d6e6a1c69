"""Joins of two streams: the clause that SQL would have is written as a tree, and lowered as SQL is.

Knows how Python says what ON, USING and FOR SYSTEM_TIME AS OF say; what they do to the rows is `sql`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sqlglot import exp

from penstock.dsl.expressions import Expression
from penstock.durations import Duration, signed_milliseconds
from penstock.engine.plan import Node
from penstock.errors import PenstockError
from penstock.sql.faults import did_you_mean
from penstock.sql.lower.binder import Scope, bind
from penstock.sql.lower.joins import apart, joined
from penstock.sql.lower.select import Relation, selected
from penstock.sql.nodes.intervals import of_ms
from penstock.sql.nodes.pairs import paired
from penstock.sql.nodes.traits import event_times

On: TypeAlias = str | Sequence[str] | Expression | None
Within: TypeAlias = Duration | tuple[Duration, Duration] | None

HOW = ("inner", "left", "right", "full", "semi", "anti", "cross")


@dataclass(frozen=True)
class Wish:
    """What `Stream.join` was asked for."""

    on: On
    how: str
    within: Within
    as_of: Expression | str | None


def join(left: Node, right: Node, wish: Wish) -> Node:
    """The rows of both; raises `PenstockError` for what does not fit together."""
    if wish.how not in HOW:
        raise PenstockError(f"there is no {wish.how!r} join", remedy=did_you_mean(wish.how, HOW, "joins"))
    if (wish.how == "cross") != (wish.on is None):
        raise PenstockError(
            "a cross join takes no on=" if wish.on is not None else "a join needs on=",
            remedy='on="key", on=["key", "other"] or on=left.id == right.ref; how="cross" for every pair',
        )
    condition = _condition(left, right, wish)
    if wish.how in ("semi", "anti"):
        return _half(left, right, wish, condition)
    side = {"inner": "", "cross": ""}.get(wish.how, wish.how.upper())
    tree = exp.Join(this=exp.Table(this=exp.to_identifier("right"), version=_version(wish)))
    tree.set("side", side or None)
    tree.set("on", condition)
    relation = joined(Relation(left, ("left",)), Relation(right, ("right",)), tree)
    return selected(exp.Select(expressions=_columns(left, right, wish)), relation)


def _half(left: Node, right: Node, wish: Wish, condition: exp.Expression | None) -> Node:
    if wish.as_of is not None:
        raise PenstockError(f"as_of goes with inner and left joins, not with {wish.how}")
    one, other = Relation(left, ("left",)), apart(left, Relation(right, ("right",)))
    assert condition is not None
    scope = Scope(left.schema + other.node.schema, (), (*one.scope.parts, *other.scope.parts))
    return paired(left, other.node, wish.how.upper(), bind(condition, scope))


def keys_of(on: On) -> tuple[str, ...]:
    """The columns of the same name on both sides that a join goes by, if it does."""
    if on is None or isinstance(on, Expression):
        return ()
    return (on,) if isinstance(on, str) else tuple(on)


def _condition(left: Node, right: Node, wish: Wish) -> exp.Expression | None:
    parts: list[exp.Expression] = [wish.on.node.copy()] if isinstance(wish.on, Expression) else []
    parts += [exp.EQ(this=of("left", key), expression=of("right", key)) for key in keys_of(wish.on)]
    if wish.within is not None:
        parts.append(_near(_time(left, "left"), _time(right, "right"), wish.within))
    if not parts:
        return None
    made = parts[0]
    for part in parts[1:]:
        made = exp.And(this=made, expression=part)
    return made


def of(side: str, name: str) -> exp.Column:
    """A column of one side, by its own name."""
    return exp.column(name, table=side, quoted=True)


def _time(node: Node, side: str) -> exp.Column:
    times = sorted(event_times(node))
    if len(times) != 1:
        raise PenstockError(
            f"the {side} side has {'no' if not times else 'more than one'} event-time column, so within= cannot "
            "compare by it",
            remedy='app.topic(…, event_time="at")' if not times else "say it in on=: (left.a >= right.b) & …",
        )
    return of(side, times[0])


def _near(left: exp.Column, right: exp.Column, within: Duration | tuple[Duration, Duration]) -> exp.Between:
    if isinstance(within, tuple):
        low_ms, high_ms = map(signed_milliseconds, within)
    else:
        high_ms = signed_milliseconds(within)
        low_ms = -high_ms
    if low_ms > high_ms:
        raise PenstockError("within= ends before it begins", remedy='within=("-5 min", "1 h")')
    return exp.Between(this=right, low=_moved(left, low_ms), high=_moved(left, high_ms))


def _moved(time: exp.Column, by_ms: int) -> exp.Expression:
    if by_ms < 0:
        return exp.Sub(this=time.copy(), expression=of_ms(-by_ms))
    return exp.Add(this=time.copy(), expression=of_ms(by_ms)) if by_ms else time.copy()


def _version(wish: Wish) -> exp.Version | None:
    if wish.as_of is None:
        return None
    asked = of("left", wish.as_of) if isinstance(wish.as_of, str) else wish.as_of.node.copy()
    return exp.Version(this="TIMESTAMP", kind="AS OF", expression=asked)


def _columns(left: Node, right: Node, wish: Wish) -> list[exp.Expression]:
    """The left side's columns, then the right side's; those both are joined by are there once."""
    keys = keys_of(wish.on)
    made = [_key(name, wish.how) if name in keys else of("left", name) for name in _names(left)]
    return made + [of("right", name) for name in _names(right) if name not in keys]


def _key(name: str, how: str) -> exp.Expression:
    """A key's value, from the side that has it."""
    if how == "right":
        return exp.Alias(this=of("right", name), alias=exp.to_identifier(name, quoted=True))
    if how == "full":
        both = exp.Coalesce(this=of("left", name), expressions=[of("right", name)])
        return exp.Alias(this=both, alias=exp.to_identifier(name, quoted=True))
    return of("left", name)


def _names(node: Node) -> list[str]:
    return [column.name for column in node.schema if not column.name.startswith("$")]
