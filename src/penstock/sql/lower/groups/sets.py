"""GROUPING SETS, ROLLUP and CUBE: which keys each set groups by, and what GROUPING(…) and its kin tell of a group.

Source: Flink documentation, "Group Aggregation" and "Window Aggregation"; SQL:2016, 7.13. A GROUP BY's elements are
multiplied; sets that come out equal each give their groups, unless GROUP BY DISTINCT. Knows expressions and positions;
what rows are multiplied for is the plan's.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from penstock.engine.plan import SET, GroupingSets, Node
from penstock.sql.ddl.types import data_type
from penstock.sql.faults import QueryError
from penstock.sql.nodes.build import Item, quoted

SETS_MAX = 256
CALLS = ("GROUPING", "GROUPING_ID", "GROUP_ID")
SEVERAL = (exp.GroupingSets, exp.Rollup, exp.Cube)

Set = tuple[exp.Expression, ...]


class SetCall(exp.Expression, exp.Func):
    """``GROUPING(key, …)``, ``GROUPING_ID(key, …)`` or ``GROUP_ID()``; only a SELECT that groups has it."""

    arg_types = {"this": True, "expressions": False}  # noqa: RUF012  sqlglot's own form


def told_apart(node: exp.Expression) -> exp.Expression:
    """The expression with what asks for a group's set as such."""
    return node.transform(
        lambda part: (
            SetCall(this=part.name.upper(), expressions=part.expressions).update_positions(part)
            if isinstance(part, exp.Anonymous) and part.name.upper() in CALLS
            else part
        ),
        copy=True,
    )


def expanded(parts: Sequence[exp.Expression]) -> list[Set]:
    """The sets that a GROUP BY's elements make."""
    count = 1
    for part in parts:
        count *= _count(part)
        if count > SETS_MAX:
            raise QueryError(
                f"GROUP BY makes more than {SETS_MAX} grouping sets",
                part,
                remedy="name the sets that are wanted: GROUPING SETS ((a, b), (a), ())",
            )
    return [tuple(itertools.chain(*chosen)) for chosen in itertools.product(*map(_sets, parts))]


def _count(part: exp.Expression) -> int:
    """How many sets an element has."""
    match part:
        case exp.GroupingSets():
            return sum(map(_count, part.expressions))
        case exp.Rollup():
            return len(part.expressions) + 1
        case exp.Cube():
            return 1 << min(len(part.expressions), SETS_MAX)
    return 1


def _sets(part: exp.Expression) -> list[Set]:
    keys = [_keys(one) for one in part.expressions] if isinstance(part, exp.Rollup | exp.Cube) else []
    sizes = range(len(keys), -1, -1)
    match part:
        case exp.GroupingSets():
            return [one for inner in part.expressions for one in _sets(inner)]
        case exp.Rollup():
            return [tuple(itertools.chain(*keys[:size])) for size in sizes]
        case exp.Cube():
            several = itertools.chain.from_iterable(itertools.combinations(keys, size) for size in sizes)
            return [tuple(itertools.chain(*chosen)) for chosen in several]
    return [_keys(part)]


def _keys(part: exp.Expression) -> Set:
    """The keys that stand for one: those in parentheses."""
    if isinstance(part, SEVERAL):
        raise QueryError(
            "ROLLUP and CUBE take columns, not sets of them",
            part,
            remedy="GROUPING SETS (ROLLUP (a, b), (c))",
        )
    if isinstance(part, exp.Tuple):
        return tuple(part.expressions)
    return (part.this,) if isinstance(part, exp.Paren) else (part,)


@dataclass(frozen=True)
class Sets:
    """The sets of one GROUP BY, each the places of its keys among `keys`, all of them. Keys that are not in every set
    go by names of our own."""

    keys: tuple[Item, ...]
    sets: tuple[frozenset[int], ...]

    @property
    def several(self) -> bool:
        """Whether rows are of more than one set."""
        return len(self.sets) > 1

    @property
    def varying(self) -> tuple[str, ...]:
        """The names of the keys that are not in every set."""
        return tuple(name for place, (name, _) in enumerate(self.keys) if self._varies(place))

    def _varies(self, place: int) -> bool:
        return not all(place in one for one in self.sets)

    def over(self, source: Node) -> GroupingSets:
        """The rows, once for each set; the source has the keys that vary as columns."""
        named = [tuple(self.keys[p][0] for p in sorted(one) if self._varies(p)) for one in self.sets]
        return GroupingSets(source, self.varying, tuple(named))

    def value(self, call: SetCall) -> exp.Expression:
        """What a call tells of a group, by the number of its set."""
        told = self._told(call)
        literals = [exp.Cast(this=exp.Literal.number(one), to=data_type("BIGINT")) for one in told]
        if len(set(told)) == 1:
            return literals[0]
        ifs = [
            exp.If(this=exp.EQ(this=quoted(SET.name), expression=exp.Literal.number(number)), true=literal)
            for number, literal in enumerate(literals[:-1])
        ]
        return exp.Case(ifs=ifs, default=literals[-1])

    def _told(self, call: SetCall) -> list[int]:
        """A call's value for each set."""
        if call.this == "GROUP_ID":
            return [self.sets[:number].count(one) for number, one in enumerate(self.sets)]
        if not call.expressions:
            raise QueryError(f"{call.this} takes the keys it tells of", call, remedy=f"{call.this}(k)")
        places = [self._place(argument, call) for argument in call.expressions]
        return [sum((p not in one) << n for n, p in enumerate(reversed(places))) for one in self.sets]

    def _place(self, argument: exp.Expression, call: SetCall) -> int:
        for place, (_, key) in enumerate(self.keys):
            if key == argument:
                return place
        raise QueryError(f"{call.this} takes what is grouped by", argument, remedy="a key of this GROUP BY")
