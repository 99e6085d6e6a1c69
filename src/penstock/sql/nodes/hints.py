"""``SELECT /*+ STATE_TTL('orders' = '1 d', 'users' = '20 d') */ …``: how long joins and groups keep what a table brought.

Source: Flink documentation, "SQL Hints". A hint names the tables and views of its own SELECT, by their aliases where they
have some. Knows nodes and the hint's tree; which names a SELECT has in sight is `lower/query`'s.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from penstock.engine.plan import Aggregate, Filter, Join, Node, Project
from penstock.engine.plan.lifetimes import kept_for, lifetimes
from penstock.errors import PenstockError
from penstock.sql.faults import QueryError, did_you_mean
from penstock.sql.nodes.intervals import milliseconds_of

NAME = "STATE_TTL"
USAGE = f"/*+ {NAME}('orders' = '1 d') */ right after SELECT"


@dataclass
class Lifetimes:
    """What the hints of one SELECT say; `met` are those that a table answered to."""

    said: Mapping[str, tuple[int, exp.Expression]]
    met: set[str] = field(default_factory=set)

    def of(self, names: Sequence[str]) -> int | None:
        """How long what a table of these names brought is kept, in ms."""
        found = [name for name in names if name in self.said]
        self.met.update(found)
        return self.said[found[0]][0] if found else None

    def on_join(self, node: Node, left: Sequence[str], right: Sequence[str]) -> Node:
        """The join with what is said of its sides."""
        told = self.of(left), self.of(right)
        return kept_for(node, told) if isinstance(node, Join) and lifetimes(node) is not None else node

    def on_groups(self, node: Node, below: Node, names: Sequence[str]) -> Node:
        """The groups above `below` with what is said of their table."""
        ttl_ms = self.of(names)
        return node if ttl_ms is None else _on_groups(node, below, ttl_ms)

    def check(self, names: Sequence[str]) -> None:
        """Refuse a name that no table in sight goes by."""
        for name, (_, at) in self.said.items():
            if name not in self.met and name not in names:
                raise QueryError(
                    f"{NAME}: no table goes by `{name}` here", at, remedy=did_you_mean(name, names, "tables")
                )


def read(hint: exp.Expression | None) -> Lifetimes:
    """What a SELECT's hints say; raises `QueryError` for any but STATE_TTL."""
    said: dict[str, tuple[int, exp.Expression]] = {}
    for one in hint.expressions if hint is not None else ():
        if not isinstance(one, exp.Anonymous) or one.name.upper() != NAME or not one.expressions:
            raise QueryError(f"the hint {one.name or one.sql()} is not offered", one, remedy=USAGE)
        for pair in one.expressions:
            if not (isinstance(pair, exp.EQ) and _text(pair.this) and _text(pair.expression)):
                raise QueryError(f"{NAME} takes pairs of texts", pair, remedy=USAGE)
            try:
                said[pair.this.name] = milliseconds_of(pair.expression.name), pair.this
            except PenstockError as error:
                raise QueryError(error.message, pair.expression, remedy=error.remedy) from None
    return Lifetimes(said)


def _text(node: exp.Expression) -> bool:
    return isinstance(node, exp.Literal) and node.is_string


def _on_groups(node: Node, below: Node, ttl_ms: int) -> Node:
    if node == below or not isinstance(node, Project | Filter | Aggregate):
        return node
    made = node.on(_on_groups(node.source, below, ttl_ms))
    return made if lifetimes(made) is None else kept_for(made, (ttl_ms, None))
