"""Users' functions as steps of a stream: rows made of a row, batches made of batches, classes with state.

Knows what such a step may stand on; what a function is, is `user`'s.
"""

from __future__ import annotations

from sqlglot import exp

from penstock.dsl.expressions import Expression, lift
from penstock.dsl.ordering import By
from penstock.durations import Duration, milliseconds
from penstock.engine.functions import kinds
from penstock.engine.functions.user import FrameFunction, ProcessClass, TableCall
from penstock.engine.plan import Filter, Node, Project
from penstock.engine.plan.lifetimes import kept_for, lifetimes
from penstock.engine.plan.user import MapBatches, Process
from penstock.engine.types import Schema
from penstock.errors import PenstockError
from penstock.sql.faults import did_you_mean
from penstock.sql.lower.binder import Scope, bind
from penstock.sql.nodes.lateral import expanded
from penstock.sql.nodes.traits import event_times


def lateral(node: Node, call: Expression, outer: bool) -> Node:
    """Each row beside the rows of a table function's call."""
    tree = lift(call).node
    if not isinstance(tree, TableCall):
        raise PenstockError(
            "lateral takes a call of a table function", remedy="@app.table_function(emits={…}), then f(col.x)"
        )
    arguments = [bind(argument, Scope(node.schema)) for argument in tree.expressions]
    bound = TableCall(this=tree.function, expressions=arguments)
    taken = next((c.name for c in tree.function.emits if c.name in {one.name for one in node.schema}), None)
    if taken is not None:
        raise PenstockError(
            f"the stream has a column {taken} already", remedy="leave it out before: .select(…), or rename it"
        )
    return expanded(node, bound, tree.function.emits, outer)


def map_batches(node: Node, function: FrameFunction, time: str | None) -> Node:
    """What a function makes of each batch."""
    _check_appends(node, function.name)
    _check_time(function.emits, time)
    return MapBatches(node, function, time)


def process(node: Node, function: ProcessClass, by: By, time: str | None) -> Node:
    """What a class makes of each key's rows."""
    _check_appends(node, function.name)
    _check_time(function.emits, time)
    known = [column.name for column in node.schema]
    keys = []
    for part in [by] if isinstance(by, Expression | str) else by:
        name = part if isinstance(part, str) else part.node.name if isinstance(part.node, exp.Column) else ""
        if name not in known:
            raise PenstockError(
                f"{name or part!r} is no column of the stream", remedy=did_you_mean(name, known, "columns")
            )
        keys.append(name)
    times = sorted(event_times(node))
    return Process(node, function, tuple(keys), times[0] if len(times) == 1 else None, time)


def _check_appends(node: Node, name: str) -> None:
    if node.changes:
        raise PenstockError(
            f"{name} would see rows that change, and could not take back what it made of them",
            remedy="use the stream before it is aggregated or joined, or an aggregate over a window",
        )


def _check_time(emits: Schema, time: str | None) -> None:
    if time is None:
        return
    found = {column.name: column.kind for column in emits}
    if not kinds.is_time(found.get(time, "")):
        raise PenstockError(
            f"{time} is emitted as {found.get(time, 'no column')}, and event time is TIMESTAMP(3)",
            remedy=f'emits={{…, "{time}": datetime}}',
        )


def forgetting(node: Node, ttl: Duration | tuple[Duration, Duration] | None) -> Node:
    """The node whose last step forgets what nobody wrote for so long."""
    if ttl is None:
        return node
    if isinstance(node, Project | Filter):
        return node.on(forgetting(node.source, ttl))
    if lifetimes(node) is None:
        raise PenstockError(
            "this step lets go of what it keeps as time passes, and takes no ttl=", remedy="leave ttl= out"
        )
    left, right = ttl if isinstance(ttl, tuple) else (ttl, ttl)
    return kept_for(node, (milliseconds(left), milliseconds(right)))
