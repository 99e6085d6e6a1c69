"""Rows beside the rows of a table function's call, as a plan node.

Takes a bound call. Knows no SQL text and no clauses.
"""

from collections.abc import Sequence
from dataclasses import replace

from penstock.engine.functions.user import TableCall
from penstock.engine.plan import Node
from penstock.engine.plan.user import Expand
from penstock.engine.types import Schema
from penstock.sql.faults import QueryError
from penstock.sql.nodes.kinds import kind


def expanded(node: Node, call: TableCall, columns: Schema, outer: bool) -> Node:
    """Each row of the node beside each row of the call; `columns` are the function's, under names of their own."""
    function = call.function
    function.check([kind(argument, node.schema) for argument in call.expressions])
    if node.changes and not function.deterministic:
        raise QueryError(
            f"{function.name} is not deterministic, and it is called for rows that change",
            call,
            remedy="call it before the rows are joined or aggregated",
        )
    return Expand(node, call, columns, outer)


def named(columns: Schema, names: Sequence[str]) -> Schema:
    """The columns under other names."""
    return tuple(replace(column, name=name) for column, name in zip(columns, names, strict=True))
