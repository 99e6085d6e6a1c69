"""Named windows: with ``WINDOW w AS (PARTITION BY … ORDER BY …)`` each ``OVER w`` of the select list is written out.

Source: SQL:2016, 7.15, as far as Flink 2.3 goes. Knows how windows build on each other; what one means is `calls`'.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from penstock.sql.faults import QueryError, did_you_mean
from penstock.sql.lower.binder import Scope, bind

USAGE = "SELECT …, SUM(x) OVER w FROM t WINDOW w AS (PARTITION BY k ORDER BY ts)"
WRITE = "write the window out: OVER (PARTITION BY … ORDER BY … ROWS …)"


@dataclass(frozen=True)
class Parts:
    """What a window says, once it is written out."""

    keys: Sequence[exp.Expression]
    order: exp.Order | None
    frame: exp.WindowSpec | None


def written_out(tree: exp.Select) -> exp.Select:
    """The query with every window where it is used; raises `QueryError` for a name that is none, or stands twice."""
    clause = tree.args.get("windows") or []
    if not clause and not any(_references(item) for item in tree.expressions):
        return tree
    windows = _by_name(clause)
    for window in windows.values():
        _said(window, windows)
    made = tree.copy()
    for call in [call for item in made.expressions for call in _references(item)]:
        parts = _said(call, windows)
        call.set("alias", None)
        call.set("partition_by", [key.copy() for key in parts.keys])
        call.set("order", parts.order and parts.order.copy())
        call.set("spec", parts.frame and parts.frame.copy())
    return made


def check_columns(tree: exp.Select, scope: Scope) -> None:
    """Refuse a window of columns that there are not, also one that nobody uses."""
    for window in tree.args.get("windows") or []:
        order = window.args.get("order")
        ordered = [part.this for part in order.expressions] if order is not None else []
        for part in [*(window.args.get("partition_by") or []), *ordered]:
            bind(part, scope)


def _references(item: exp.Expression) -> list[exp.Window]:
    """The OVERs of an expression that name a window, those of a query in it left out."""
    parts: Iterator[exp.Expr] = item.walk(prune=lambda part: isinstance(part, exp.Select))
    return [part for part in parts if isinstance(part, exp.Window) and part.args.get("alias") is not None]


def _by_name(clause: Sequence[exp.Window]) -> dict[str, exp.Window]:
    windows: dict[str, exp.Window] = {}
    for window in clause:
        if "partition_by" not in window.args:
            raise QueryError("a window stands in parentheses", window.this, remedy=USAGE)
        if window.this.name in windows:
            raise QueryError(f"there are two windows `{window.this.name}`", window.this, remedy=USAGE)
        twin = next((name for name, other in windows.items() if _alike(window, other)), None)
        if twin is not None:
            raise QueryError(
                f"the windows `{twin}` and `{window.this.name}` are one", window.this, remedy=f"use `{twin}`"
            )
        windows[window.this.name] = window
    return windows


def _alike(one: exp.Window, other: exp.Window) -> bool:
    return all(
        one.args.get(part) == other.args.get(part) for part in ("alias", "partition_by", "order", "spec")
    )


def _said(window: exp.Window, windows: Mapping[str, exp.Window]) -> Parts:
    """What a window says together with the one that it names, if it does."""
    own = Parts(window.args.get("partition_by") or [], window.args.get("order"), window.args.get("spec"))
    named = window.args.get("alias")
    if named is None:
        return own
    if named.name not in windows:
        raise QueryError(
            f"there is no window `{named.name}`",
            named,
            remedy=did_you_mean(named.name, windows, "windows") if windows else USAGE,
        )
    found = windows[named.name]
    if "partition_by" not in window.args:  # OVER w, and nothing beside it
        return _said(found, windows)
    if found.args.get("alias") is not None:
        # Flink 2.3 takes it, and forgets what the innermost one says
        raise QueryError(f"the window `{named.name}` builds on another one itself", named, remedy=WRITE)
    below = _said(found, windows)
    _check_extension(own, below, named)
    return Parts(below.keys, own.order or below.order, None)


def _check_extension(own: Parts, below: Parts, named: exp.Expression) -> None:
    """Refuse what Flink refuses beside a window's name, and a frame, which Flink takes and then forgets."""
    if own.keys:
        raise QueryError(
            "PARTITION BY stands in the window that is named",
            own.keys[0],
            remedy=f"WINDOW {named.name} AS (PARTITION BY … ORDER BY …)",
        )
    if own.order is not None and below.order is not None:
        raise QueryError(f"`{named.name}` has an ORDER BY already", own.order, remedy=f"OVER {named.name}")
    if own.frame is not None or below.frame is not None:
        raise QueryError(
            "ROWS and RANGE stand neither beside a window's name nor in a window that others build on",
            named,
            remedy=WRITE,
        )
