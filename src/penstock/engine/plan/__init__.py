"""The logical plan: what SQL text and the Python API both turn into, and what the engine runs.

Nodes are frozen dataclasses that compare by value, so a test can hold that two ways of writing a query are the
same query. Scalar expressions are sqlglot nodes whose columns are bare, resolved names of the input's schema
(`exp.column("amount", quoted=True)`); every node can tell its output schema. Knows nothing of how it will be run.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from penstock.engine.plan.grouping import (
    SET,
    WINDOW_COLUMNS,
    WINDOW_NAMES,
    Aggregate,
    Aggregation,
    GroupingSets,
    Peak,
    Window,
)
from penstock.engine.plan.joins import AsOf, Join, Within
from penstock.engine.plan.node import Node, columns_of, conjuncts
from penstock.engine.plan.ordered import Lag, Order, Over, Top
from penstock.engine.plan.rows import Beside, Filter, Project, Repeat, Union, Unnest
from penstock.engine.plan.tables import Scan, Table, Watermark

__all__ = [
    "SET",
    "WINDOW_COLUMNS",
    "WINDOW_NAMES",
    "Aggregate",
    "Aggregation",
    "AsOf",
    "Beside",
    "Filter",
    "GroupingSets",
    "Join",
    "Lag",
    "Node",
    "Order",
    "Over",
    "Peak",
    "Plan",
    "Project",
    "Repeat",
    "Scan",
    "Sink",
    "Table",
    "Top",
    "Union",
    "Unnest",
    "Watermark",
    "Window",
    "Within",
    "columns_of",
    "conjuncts",
    "walk",
]


@dataclass(frozen=True)
class Sink:
    """Write a node's rows to a table; columns match `table.written` by position and are already cast to its types."""

    table: Table
    source: Node


@dataclass(frozen=True)
class Plan:
    """What one pipeline does: its sinks, planned together (a statement set), over one catalog."""

    sinks: tuple[Sink, ...]
    tables: tuple[Table, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    """What the script SET that is not in the plan's nodes: see `plan.settings`."""

    def setting(self, name: str) -> str:
        """A setting's value, empty where nothing was said."""
        return dict(self.settings).get(name, "")


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it, each once per use, sources last."""
    yield node
    for source in node.inputs:
        yield from walk(source)
