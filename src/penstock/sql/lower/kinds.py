"""The kind of an expression, with the part at fault where it has none.

The rules are the engine's; this only finds the place that a refusal is about.
"""

from sqlglot import exp

from penstock.engine.functions import kinds
from penstock.engine.types import Schema
from penstock.errors import PenstockError
from penstock.sql.ddl.types import kind_from
from penstock.sql.faults import Fault


def kind(node: exp.Expression, schema: Schema) -> str:
    """Flink's kind of a bound expression over `schema`; raises `Fault` at the smallest part that has none."""
    try:
        return _kind(node, schema)
    except PenstockError as error:
        raise Fault(error.message, _culprit(node, schema), remedy=error.remedy) from None


def _culprit(node: exp.Expression, schema: Schema) -> exp.Expression:
    for child in node.iter_expressions():
        if not isinstance(child, exp.Func | exp.Binary | exp.Unary | exp.Predicate | exp.Condition):
            continue
        try:
            _kind(child, schema)
        except PenstockError:
            return _culprit(child, schema)
    return node


def _kind(node: exp.Expression, schema: Schema) -> str:
    if isinstance(node, exp.Column):
        return next(c.kind for c in schema if c.name == node.name)
    if isinstance(node, exp.Literal):
        if node.is_string:
            return "STRING"
        if "e" in node.name.lower():
            return "DOUBLE"
        if "." in node.name:
            whole, _, part = node.name.partition(".")
            return f"DECIMAL({len(whole.lstrip('0')) + len(part)}, {len(part)})"
        return "INT" if int(node.name) < 2**31 else "BIGINT"
    if isinstance(node, exp.Cast):
        _kind(node.this, schema)
        return kind_from(node.args["to"])
    if isinstance(node, exp.Interval):
        return kinds.DURATION
    if isinstance(node, exp.Null):
        return kinds.NULL
    if isinstance(node, exp.Predicate | exp.Connector | exp.Not | exp.Boolean):
        for child in node.iter_expressions():
            _kind(child, schema)
        return "BOOLEAN"
    if isinstance(node, exp.Add | exp.Sub | exp.Mul | exp.Div | exp.Mod):
        left, right = _kind(node.this, schema), _kind(node.expression, schema)
        if kinds.is_time(left) and right == kinds.DURATION:
            return left
        made = kinds.arithmetic(
            {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Mod: "%"}[type(node)], left, right
        )
        if made is None:
            raise PenstockError(f"no {node.key} of {left} and {right}")
        return made
    if isinstance(node, exp.Neg | exp.Abs | exp.Floor | exp.Ceil | exp.Round):
        return _kind(node.this, schema)
    if isinstance(node, exp.Sqrt | exp.Pow | exp.Ln | exp.Exp):
        return "DOUBLE"
    if isinstance(
        node, exp.Upper | exp.Lower | exp.Concat | exp.DPipe | exp.Substring | exp.Trim | exp.Replace
    ):
        return "STRING"
    if isinstance(node, exp.Case):
        made = kinds.NULL
        for part in [*(i.args["true"] for i in node.args["ifs"]), node.args.get("default") or exp.Null()]:
            made = kinds.wider(made, _kind(part, schema)) or made
        return made
    if isinstance(node, exp.Coalesce | exp.Greatest | exp.Least):
        made = _kind(node.this, schema)
        for part in node.expressions:
            made = kinds.wider(made, _kind(part, schema)) or made
        return made
    raise PenstockError(f"function {node.name or node.key} is not known")
