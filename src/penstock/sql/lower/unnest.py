"""UNNEST(a): a join whose right side is what stands in an array or map of each row of the left.

Source: Flink documentation, "Joins", "Array, Multiset and Map Expansion". Knows clauses and names.
"""

from dataclasses import replace

from sqlglot import exp

from penstock.engine.plan import Unnest
from penstock.engine.types import Column, Schema, element, is_array, is_map, is_row, row_fields
from penstock.sql.faults import QueryError
from penstock.sql.lower.binder import bind
from penstock.sql.lower.lateral import beside, for_every_row
from penstock.sql.lower.over.ranking import settled
from penstock.sql.lower.select import Relation
from penstock.sql.nodes.kinds import kind
from penstock.sql.nodes.lateral import named

USAGE = "CROSS JOIN UNNEST(a) AS t (x), or LEFT JOIN UNNEST(a) AS t (x) ON TRUE"
ORDINALITY = "ORDINALITY"


def unnested(relation: Relation, join: exp.Join) -> Relation:
    """The relation, each row beside the elements of its array."""
    tree = join.this
    relation = replace(relation, node=settled(relation.node))
    if len(tree.expressions) != 1:
        raise QueryError("UNNEST takes one array", join, remedy=USAGE)
    outer = for_every_row(join, "an array is unnested for every row", join, USAGE)
    value = bind(tree.expressions[0], relation.scope)
    found = kind(value, relation.node.schema)
    if not (is_array(found) or is_map(found)):
        raise QueryError(f"UNNEST takes an ARRAY or a MAP, not {found}", tree.expressions[0], remedy=USAGE)
    columns, numbered, alias = _columns(tree, found), bool(tree.args.get("offset")), tree.args.get("alias")
    return beside(relation, columns, alias, lambda made: Unnest(relation.node, value, made, outer, numbered))


def _columns(tree: exp.Unnest, found: str) -> Schema:
    """What an element gives, under the names that AS t (…) says."""
    inner = element(found)
    columns = row_fields(inner.kind) if is_row(inner.kind) else (replace(inner, name="EXPR$0"),)
    if found.startswith("MULTISET<"):
        columns = columns[:1]
    offset, alias = tree.args.get("offset"), tree.args.get("alias")
    names = [one.name for one in alias.columns] if alias is not None else []
    if isinstance(offset, exp.Identifier):  # the parser has taken the last name for it
        names = [*names, offset.name] if alias is not None else names
    if offset:
        columns = (*columns, Column(ORDINALITY, "INT", False))
    if not names:
        return columns
    if len(names) != len(columns):
        raise QueryError(f"{len(names)} names for {len(columns)} columns", tree, remedy=USAGE)
    return named(columns, names)
