"""Tables without an event time of their own, asked how they were at some moment: their records' timestamps tell.

Such a table gets one more column, which nobody sees, with its event time. Flink would have it declared:
``METADATA FROM 'timestamp'`` and a WATERMARK. Knows plan nodes; knows nothing of joins.
"""

from collections.abc import Mapping
from dataclasses import replace

from penstock.engine.plan import Filter, Node, Plan, Project, Scan, Table, Watermark
from penstock.engine.plan.tables import SINCE
from penstock.engine.types import Column
from penstock.errors import PenstockError
from penstock.sql.nodes.build import quoted

TIME = SINCE
IDLE = "1 s"
"""After how long without a change a table no longer holds back who asks it."""


def versioned(node: Node) -> tuple[Node, Table]:
    """The rows of a table, filtered perhaps, with the time since when each counts; and the table as it is now."""
    if isinstance(node, Filter):
        source, table = versioned(node.source)
        return Filter(source, node.condition), table
    if not isinstance(node, Scan) or not node.table.key:
        raise PenstockError(
            "as_of takes a table as it was, and nothing says since when these rows count",
            remedy="app.table(…, key=…, event_time=…), or as_of=now",
        )
    table = node.table
    if any(column.name == TIME for column in table.schema):
        return node, table
    made = replace(
        table,
        schema=(*table.schema, Column(TIME, "TIMESTAMP(3)", False)),
        options={"scan.watermark.idle-timeout": IDLE, **table.options},
        metadata=(*table.metadata, (TIME, "timestamp")),
        virtual=(*table.virtual, TIME),
        watermark=Watermark(TIME, 0),
    )
    return Scan(made), made


def everywhere(plan: Plan, tables: Mapping[str, Table]) -> Plan:
    """The plan in which each of these tables is one and the same wherever it is read."""
    sinks = tuple(replace(sink, source=_replaced(sink.source, tables)) for sink in plan.sinks)
    return replace(plan, sinks=sinks, tables=tuple(tables.get(t.name, t) for t in plan.tables))


def _replaced(node: Node, tables: Mapping[str, Table]) -> Node:
    if not isinstance(node, Scan):
        return node.on(*(_replaced(one, tables) for one in node.inputs))
    made = tables.get(node.table.name)
    if made is None or made == node.table:
        return node
    return Project(Scan(made), tuple((column, quoted(column.name)) for column in node.schema))
