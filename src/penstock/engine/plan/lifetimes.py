"""How long nodes keep what they know of rows: set for one node, or for all that say nothing themselves.

Knows which nodes keep state that may be forgotten; what forgetting does is the operators'. Windows, interval joins and
OVER by event time let go by that alone, and a table that others look up is kept whole.
"""

from dataclasses import replace

from penstock.engine.plan.grouping import Aggregate
from penstock.engine.plan.joins import AsOf, Join
from penstock.engine.plan.node import Node
from penstock.engine.plan.ordered import Over, Top
from penstock.engine.plan.tables import UPDATING, Scan

Lifetimes = tuple[int | None, int | None]
"""Those of a node's two inputs; of a node with one the first."""


def lifetimes(node: Node) -> Lifetimes | None:
    """What a node says of its state, in ms; None where nothing of it can be forgotten."""
    match node:
        case Join():
            return node.ttl_ms if node.within is None and node.window is None else None
        case Aggregate():
            return None if node.window else (node.ttl_ms, None)
        case Top():
            return None if node.window is not None else (node.ttl_ms, None)
        case Over():
            return (node.ttl_ms, None) if node.clock and not node.waits_by_clock else None
        case Scan():
            return (node.ttl_ms, None) if node.table.connector in UPDATING else None
    return None


def kept_for(node: Node, given: Lifetimes) -> Node:
    """The node with these lifetimes where it says none; `lifetimes` told that it has some."""
    if isinstance(node, Join):
        left, right = (old if old is not None else new for old, new in zip(node.ttl_ms, given, strict=True))
        return replace(node, ttl_ms=(left, right))
    assert isinstance(node, Aggregate | Top | Over | Scan)
    return node if node.ttl_ms is not None else replace(node, ttl_ms=given[0])


def lasting(node: Node, ttl_ms: int) -> Node:
    """The plan in which every node that says nothing forgets after `ttl_ms`."""
    if isinstance(node, AsOf) and node.time is None:
        return node.on(lasting(node.left, ttl_ms), node.right)
    made = node.on(*(lasting(source, ttl_ms) for source in node.inputs))
    return made if lifetimes(made) is None else kept_for(made, (ttl_ms, ttl_ms))


def forgets(node: Node) -> bool:
    """Whether some of a node's state has a lifetime."""
    return any(lifetimes(node) or ())
