"""Takes users' calls out of a plan's expressions: each becomes a column that an `Apply` below makes.

So a function runs once for equal calls, batch by batch, outside of polars, and a row that it fails on is known. A call
within a CASE is made for the rows that come to its branch, and for no others. Knows plan nodes, no operators.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlglot import exp

from penstock.engine.functions.user import TableCall, UserCall
from penstock.engine.plan import (
    WINDOW_NAMES,
    Aggregate,
    Aggregation,
    AsOf,
    Filter,
    Join,
    Node,
    Over,
    Project,
    Unnest,
    Window,
    columns_of,
    conjuncts,
)
from penstock.engine.plan.user import Apply, Call, Expand
from penstock.engine.types import Column, Expr
from penstock.errors import PenstockError


def apart(node: Node) -> Node:
    """The plan with no call in any expression but those of `Apply`."""
    node = node.on(*(apart(one) for one in node.inputs))
    if isinstance(node, Apply) or not has_call(node.expressions):
        return node
    if isinstance(node, Join | AsOf):
        return _of_join(node)
    if isinstance(node, Aggregate):
        return _of_aggregate(node)
    (source,) = node.inputs
    pile = Pile(source)
    made = _with(node, pile).on(pile.node())
    return made if len(made.schema) == len(node.schema) else _as_before(made, node)


def has_call(expressions: Iterable[Expr]) -> bool:
    """Whether a user's function is called anywhere in them."""
    return any(isinstance(part, UserCall) for expression in expressions for part in expression.walk())


class Pile:
    """The calls that are found over one node's rows."""

    def __init__(self, source: Node, prefix: str = "$call") -> None:
        self.source, self.prefix = source, prefix
        self.calls: list[Call] = []

    @property
    def names(self) -> set[str]:
        """The columns that a call may read."""
        return {column.name for column in self.source.schema} | {one.column.name for one in self.calls}

    def node(self) -> Node:
        """The rows with a column for each call."""
        return Apply(self.source, tuple(self.calls)) if self.calls else self.source

    def put(self, expr: Expr, when: Expr | None = None) -> Expr:
        """The expression with columns in the calls' places."""
        if isinstance(expr, UserCall):
            arguments = [self.put(argument, when) for argument in expr.expressions]
            return exp.column(
                self._column(UserCall(this=expr.function, expressions=arguments), when), quoted=True
            )
        if isinstance(expr, exp.Case | exp.If) and has_call([expr]):
            return self._branches(expr, when)
        if not has_call([expr]):
            return expr.copy()
        return type(expr)(**{key: self._argument(value, when) for key, value in expr.args.items()})

    def _argument(self, value: object, when: Expr | None) -> object:
        if isinstance(value, exp.Expression):
            return self.put(value, when)
        return [self._argument(one, when) for one in value] if isinstance(value, list) else value

    def _branches(self, expr: exp.Case | exp.If, when: Expr | None) -> Expr:
        subject = expr.this if isinstance(expr, exp.Case) else None
        given = self.put(subject, when) if subject is not None else None
        ifs: list[exp.If] = []
        for branch in expr.args["ifs"] if isinstance(expr, exp.Case) else [expr]:
            condition = self.put(branch.this, when)
            asked = exp.EQ(this=given.copy(), expression=condition) if given is not None else condition
            ifs.append(exp.If(this=condition.copy(), true=self.put(branch.args["true"], _both(when, asked))))
            when = _both(when, exp.Not(this=_true(asked)))
        key = "default" if isinstance(expr, exp.Case) else "false"
        last = expr.args.get(key)
        default = self.put(last, when) if last is not None else None
        if isinstance(expr, exp.If):
            ifs[0].set("false", default)
            return ifs[0]
        return exp.Case(this=given, ifs=ifs, default=default)

    def _column(self, call: UserCall, when: Expr | None) -> str:
        for known in self.calls:
            if known.call == call and known.when == when:
                return known.column.name
        if self.source.changes and not call.function.deterministic:
            raise PenstockError(
                f"{call.function.name} is not deterministic, and it is called for rows that change: what is taken "
                "back would not be what was given",
                remedy="call it before the rows are joined or aggregated",
            )
        name = f"{self.prefix}{len(self.calls)}"
        self.calls.append(Call(Column(name, call.function.returns), call, when))
        return name


def _true(condition: Expr) -> Expr:
    """Whether a condition is true, and neither false nor null."""
    return exp.Is(this=condition.copy(), expression=exp.Boolean(this=True))


def _both(one: Expr | None, other: Expr) -> Expr:
    return other.copy() if one is None else exp.And(this=one.copy(), expression=other.copy())


def _with(node: Node, pile: Pile) -> Node:
    """The node, its expressions over the pile's rows."""
    match node:
        case Filter():
            return replace(node, condition=pile.put(node.condition))
        case Project():
            return replace(node, columns=tuple((column, pile.put(expr)) for column, expr in node.columns))
        case Aggregate() | Over():
            return replace(node, aggregations=tuple(_aggregation(one, pile) for one in node.aggregations))
        case Unnest():
            return replace(node, value=pile.put(node.value))
        case Expand():
            arguments = [pile.put(argument) for argument in node.value.expressions]
            return replace(node, value=TableCall(this=node.value.function, expressions=arguments))
    raise AssertionError(node)


def _aggregation(made: Aggregation, pile: Pile) -> Aggregation:
    argument = None if made.argument is None else pile.put(made.argument)
    condition = None if made.condition is None else pile.put(made.condition)
    return replace(made, argument=argument, condition=condition)


def _of_aggregate(node: Aggregate) -> Node:
    """Calls go below a window whose columns they do not read, so that the aggregate stands on the window itself."""
    window = node.source
    if isinstance(window, Window) and not columns_of(*node.expressions) & set(WINDOW_NAMES):
        pile = Pile(window.source)
        made = _with(node, pile)
        return made.on(window.on(pile.node()))
    pile = Pile(node.source)
    made = _with(node, pile)
    return made.on(pile.node())


def _as_before(made: Node, node: Node) -> Node:
    """The columns that the node had."""
    kept = tuple((column, exp.column(column.name, quoted=True)) for column in node.schema)
    return Project(made, kept)


class Sides(Pile):
    """The calls over a join's rows: each is made on the side whose values it takes."""

    def __init__(self, left: Node, right: Node) -> None:
        self.both = Pile(left, "$left"), Pile(right, "$right")

    def _column(self, call: UserCall, when: Expr | None) -> str:
        for side in self.both:
            if columns_of(call, when) <= side.names:
                return side._column(call, when)
        raise LookupError("it takes values of both sides")


def _of_join(node: Join | AsOf) -> Node:
    """Calls of one side's values are made on that side; of both sides', after an inner join."""
    assert node.condition is not None
    sides, kept, after = Sides(node.left, node.right), list[Expr](), list[Expr]()
    for part in conjuncts(node.condition):
        try:
            kept.append(sides.put(part))
        except LookupError:
            if node.kind != "INNER":
                raise PenstockError(
                    "a function of both sides' values cannot decide an outer join",
                    remedy="call it on each side first, in a projection, and compare the results",
                ) from None
            after.append(part)
    joined = replace(node.on(*(side.node() for side in sides.both)), condition=all_of(kept))
    made = joined if len(joined.schema) == len(node.schema) else _as_before(joined, node)
    rest = all_of(after)
    return made if rest is None else apart(Filter(made, rest))


def all_of(conditions: Sequence[Expr]) -> Expr | None:
    """One condition of several, None of none."""
    made: Expr | None = None
    for condition in conditions:
        made = _both(made, condition)
    return made
