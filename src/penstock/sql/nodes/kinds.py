"""The kind of an expression, with the part at fault where it has none.

The rules are the engine's; this only finds the place that a refusal is about.
"""

from polars.exceptions import PolarsError
from sqlglot import exp

from penstock.engine.types import Schema
from penstock.engine.typing_rules import kind_of
from penstock.errors import PenstockError
from penstock.sql.faults import QueryError

# Parts that have a meaning only within the expression around them.
DEPENDENT = (exp.DataType, exp.Identifier, exp.Var, exp.If, exp.Where)


def kind(node: exp.Expression, schema: Schema) -> str:
    """Flink's kind of a bound expression over `schema`; raises `QueryError` at the smallest part that has none."""
    try:
        return _kind(node, schema)
    except PenstockError as error:
        message, remedy = error.message, error.remedy
    raise QueryError(message, _culprit(node, schema), remedy=remedy)


def _kind(node: exp.Expression, schema: Schema) -> str:
    try:
        return kind_of(node, schema)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, PolarsError) as error:
        # A literal of the wrong sort, such as LPAD(a, 'b'), reaches Python's own conversions.
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise PenstockError(f"an argument has the wrong kind: {said}") from None


def _culprit(node: exp.Expression, schema: Schema) -> exp.Expression:
    for child in node.iter_expressions():
        if isinstance(child, exp.If):
            inner = _culprit(child, schema)
            if inner is not child:
                return inner
        elif not isinstance(child, DEPENDENT):
            try:
                _kind(child, schema)
            except PenstockError:
                return _culprit(child, schema)
    return node
