"""`fn`: Flink's functions by name, each building the node that the SQL call would be parsed to.

A function that has no method here is `fn.call("NAME", …)`. Knows names; values and kinds are the engine's.
"""

from typing import Any

from sqlglot import exp

from penstock.dsl.expressions import Expression, Operand, lift
from penstock.sql.dialect import Flink, FlinkParser


def call(name: str, *arguments: Operand) -> Expression:
    """A call of any function by its SQL name."""
    nodes = [lift(argument).node for argument in arguments]
    builder: Any = FlinkParser.FUNCTIONS.get(name.upper())
    if builder is None:
        return Expression(exp.Anonymous(this=name.upper(), expressions=nodes))
    try:
        return Expression(builder(nodes))
    except TypeError:  # as sqlglot's parser does: some builders ask for the dialect
        return Expression(builder(nodes, dialect=Flink()))


class Aggregates:
    """Functions over a group's rows, for `.agg(…)`; each takes `.filter(condition)`."""

    def count(self, value: Operand = None, *, distinct: bool = False) -> Expression:
        """``COUNT(*)``; with a value, the rows where it is not null, or its distinct values."""
        if value is None:
            return Expression(exp.Count(this=exp.Star()))
        node = lift(value).node
        return Expression(exp.Count(this=exp.Distinct(expressions=[node]) if distinct else node))

    def sum(self, value: Operand) -> Expression:
        """The sum, of the value's own kind."""
        return call("SUM", value)

    def min(self, value: Operand) -> Expression:
        """The smallest value."""
        return call("MIN", value)

    def max(self, value: Operand) -> Expression:
        """The largest value."""
        return call("MAX", value)

    def avg(self, value: Operand) -> Expression:
        """The mean, of the value's own kind (so cut off for integers, as in Flink: cast them to DOUBLE)."""
        return call("AVG", value)

    def stddev_pop(self, value: Operand) -> Expression:
        """The standard deviation of the whole population."""
        return call("STDDEV_POP", value)

    def stddev_samp(self, value: Operand) -> Expression:
        """The standard deviation of a sample."""
        return call("STDDEV_SAMP", value)

    def var_pop(self, value: Operand) -> Expression:
        """The variance of the whole population."""
        return call("VAR_POP", value)

    def var_samp(self, value: Operand) -> Expression:
        """The variance of a sample."""
        return call("VAR_SAMP", value)

    def first_value(self, value: Operand) -> Expression:
        """The value of the row that came first."""
        return call("FIRST_VALUE", value)

    def last_value(self, value: Operand) -> Expression:
        """The value of the row that came last."""
        return call("LAST_VALUE", value)

    def lag(self, value: Operand, offset: int = 1, default: Operand = None) -> Expression:
        """In `.over(…)`: the value so many rows before; where there is none, the default."""
        return call("LAG", value, offset, *([] if default is None else [default]))


class Functions(Aggregates):
    """Functions over one row's values, and the aggregates."""

    def call(self, name: str, *arguments: Operand) -> Expression:
        """Any function by its SQL name."""
        return call(name, *arguments)

    def case(self, *branches: tuple[Expression, Operand], default: Operand = None) -> Expression:
        """``CASE WHEN condition THEN value … ELSE default END``."""
        ifs = [exp.If(this=lift(condition).node, true=lift(value).node) for condition, value in branches]
        return Expression(exp.Case(ifs=ifs, default=lift(default).node if default is not None else None))

    def coalesce(self, *values: Operand) -> Expression:
        """The first value that is not null."""
        return call("COALESCE", *values)

    def nullif(self, value: Operand, other: Operand) -> Expression:
        """Null where both are equal, else the value."""
        return call("NULLIF", value, other)

    def greatest(self, *values: Operand) -> Expression:
        """The largest of the values; null where one is."""
        return call("GREATEST", *values)

    def least(self, *values: Operand) -> Expression:
        """The smallest of the values; null where one is."""
        return call("LEAST", *values)

    def abs(self, value: Operand) -> Expression:
        """The number without its sign."""
        return call("ABS", value)

    def round(self, value: Operand, digits: int = 0) -> Expression:
        """The number rounded half up to so many digits."""
        return call("ROUND", value, digits) if digits else call("ROUND", value)

    def floor(self, value: Operand) -> Expression:
        """The largest whole number not above."""
        return call("FLOOR", value)

    def ceil(self, value: Operand) -> Expression:
        """The smallest whole number not below."""
        return call("CEIL", value)

    def sqrt(self, value: Operand) -> Expression:
        """The square root."""
        return call("SQRT", value)

    def power(self, value: Operand, exponent: Operand) -> Expression:
        """The value to the power of the exponent."""
        return call("POWER", value, exponent)

    def exp(self, value: Operand) -> Expression:
        """e to the power of the value."""
        return call("EXP", value)

    def ln(self, value: Operand) -> Expression:
        """The natural logarithm."""
        return call("LN", value)

    def upper(self, value: Operand) -> Expression:
        """The text in capitals."""
        return call("UPPER", value)

    def lower(self, value: Operand) -> Expression:
        """The text in small letters."""
        return call("LOWER", value)

    def char_length(self, value: Operand) -> Expression:
        """How many characters the text has."""
        return call("CHAR_LENGTH", value)

    def trim(self, value: Operand) -> Expression:
        """The text without spaces at both ends."""
        return Expression(exp.Trim(this=lift(value).node))

    def concat(self, *values: Operand) -> Expression:
        """The texts behind one another; null where one is."""
        return call("CONCAT", *values)

    def substring(self, value: Operand, start: int, length: int | None = None) -> Expression:
        """A part of the text; positions count from 1."""
        return call("SUBSTRING", value, start) if length is None else call("SUBSTRING", value, start, length)

    def replace(self, value: Operand, search: Operand, instead: Operand) -> Expression:
        """The text with one part replaced everywhere."""
        return call("REPLACE", value, search, instead)

    def extract(self, unit: str, value: Operand) -> Expression:
        """``EXTRACT(unit FROM value)``: YEAR, MONTH, DAY, HOUR, MINUTE, SECOND, …"""
        return Expression(exp.Extract(this=exp.Var(this=unit.upper()), expression=lift(value).node))

    def date_format(self, value: Operand, pattern: str) -> Expression:
        """The timestamp as text, by a Java pattern such as ``yyyy-MM-dd HH:mm``."""
        return call("DATE_FORMAT", value, pattern)

    def to_timestamp(self, value: Operand, pattern: str | None = None) -> Expression:
        """The text as a timestamp."""
        return call("TO_TIMESTAMP", value) if pattern is None else call("TO_TIMESTAMP", value, pattern)


fn = Functions()
