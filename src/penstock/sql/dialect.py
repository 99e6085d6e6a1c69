"""Flink SQL for sqlglot: tokens, function names, window table functions. Turns text into sqlglot trees with places.

Knows grammar only; what a name or a construct means, and whether it is offered, is the binder's and lowering's.
"""

from collections.abc import Callable, Collection
from typing import Any, ClassVar

from sqlglot import exp, generator, parser, tokens
from sqlglot.dialects.dialect import Dialect, NormalizationStrategy
from sqlglot.errors import ParseError
from sqlglot.tokenizer_core import TokenType

from penstock.engine.functions.user import TableCall, UserCall
from penstock.sql.grammar.json_calls import JSON_CALLS

# Functions that sqlglot's own builders turn into a typed node of the same meaning as Flink's; every other name stays
# a call by name (`exp.Anonymous`, upper case). Source: Flink documentation, "System (Built-in) Functions".
# fmt: off
TYPED_FUNCTIONS = (
    "ABS", "CEIL", "FLOOR", "ROUND", "SQRT", "POWER", "EXP", "LN", "LOG", "LOG10", "LOG2", "SIN", "COS", "TAN", "ASIN",
    "ACOS", "ATAN", "ATAN2", "SINH", "COSH", "TANH", "COT", "SIGN", "MOD", "DEGREES", "RADIANS", "PI",
    "UPPER", "LOWER", "INITCAP", "CHAR_LENGTH", "CHARACTER_LENGTH", "SUBSTRING", "SUBSTR", "LTRIM", "RTRIM", "REPLACE",
    "CONCAT", "CONCAT_WS", "REGEXP_REPLACE", "REGEXP_EXTRACT", "LPAD", "RPAD", "LEFT", "RIGHT", "REVERSE", "REPEAT",
    "COALESCE", "NULLIF", "IF", "GREATEST", "LEAST",
    "YEAR", "QUARTER", "MONTH", "WEEK", "DAYOFYEAR", "DAYOFMONTH", "DAYOFWEEK", "HOUR", "MINUTE", "SECOND",
    "COUNT", "SUM", "MIN", "MAX", "AVG", "STDDEV_POP", "STDDEV_SAMP", "VAR_POP", "VAR_SAMP", "VARIANCE", "FIRST_VALUE",
    "LAST_VALUE",
)
# fmt: on

SPECIAL_FUNCTIONS = (
    "CAST",
    "TRY_CAST",
    "CEIL",
    "FLOOR",
    "EXTRACT",
    "POSITION",
    "SUBSTRING",
    "TRIM",
    "OVERLAY",
)
WINDOW_FUNCTIONS = ("TUMBLE", "HOP", "CUMULATE", "SESSION")


# Types with types in angle brackets.
NESTED = ("ROW", "ARRAY", "MAP", "MULTISET", "RAW", "STRUCTURED")


class Descriptor(exp.Expression, exp.Func):
    """``DESCRIPTOR(column)``: names a column without reading it."""

    arg_types: ClassVar[dict[str, bool]] = {"expressions": True}


class ListAgg(exp.Expression, exp.AggFunc):
    """``LISTAGG(text, separator)``."""

    arg_types: ClassVar[dict[str, bool]] = {"this": True, "separator": False}
    _sql_names: ClassVar[list[str]] = ["LISTAGG"]


class ArrayAgg(exp.Expression, exp.AggFunc):
    """``ARRAY_AGG(value)``."""

    _sql_names: ClassVar[list[str]] = ["ARRAY_AGG"]


class Collect(exp.Expression, exp.AggFunc):
    """``COLLECT(value)``."""

    _sql_names: ClassVar[list[str]] = ["COLLECT"]


def _gathering(kind: type[exp.Expression]) -> Callable[[list[Any]], exp.Expression]:
    """How a call is built; what follows DISTINCT and a comma is the separator still."""

    def built(arguments: list[Any]) -> exp.Expression:
        first, *rest = arguments or [None]
        if isinstance(first, exp.Distinct) and len(first.expressions) > 1 and kind is ListAgg:
            one, *rest = first.expressions
            first = exp.Distinct(expressions=[one])
        if len(rest) > (kind is ListAgg) or first is None:
            raise ParseError(
                f"{kind.__name__} takes one value" + (" and a separator" if kind is ListAgg else "")
            )
        return kind(this=first, **({"separator": rest[0]} if rest else {}))

    return built


class TableArgument(exp.Expression):
    """``TABLE name [PARTITION BY …]`` as an argument of a table function."""

    arg_types: ClassVar[dict[str, bool]] = {"this": True, "partition": False}


class TableFunction(exp.Expression, exp.Func):
    """``TABLE(name(arguments))`` in a FROM; a named argument is an `exp.Kwarg`."""

    arg_types: ClassVar[dict[str, bool]] = {"this": True, "expressions": False, "alias": False}


def _modifier(key: str, parse: Callable[[Any], tuple[str, Any]]) -> Callable[[Any], tuple[str, Any]]:
    def placed(self: Any) -> tuple[str, Any]:
        token = self._curr
        name, node = parse(self)
        if isinstance(node, exp.Expression):
            node.update_positions(token)
        return name, node

    placed.__name__ = key
    return placed


def _placed(parse: Callable[[Any], Any], back: int) -> Callable[[Any], Any]:
    """A parser of sqlglot's whose node knows where it began: at the token so many steps back."""

    def placed(self: Any) -> Any:
        token = self._tokens[self._index - back]
        return parse(self).update_positions(token)

    return placed


def _intersect_first(tree: Any) -> Any:
    """INTERSECT binds closer than UNION and EXCEPT (SQL:2016, 7.17); sqlglot reads all of them from left to right."""
    inner = tree.this if isinstance(tree, exp.SetOperation) else None
    if not isinstance(inner, exp.SetOperation):
        return tree
    inner = _intersect_first(inner)
    if not isinstance(tree, exp.Intersect) or isinstance(inner, exp.Intersect):
        tree.set("this", inner)
        return tree
    tree.set("this", inner.expression)
    inner.set("expression", _intersect_first(tree))
    inner.set("with_", tree.args.pop("with_", None) or inner.args.get("with_"))
    return inner


class FlinkTokenizer(tokens.Tokenizer):
    """Backticks quote names, two quotes make one within a string; no statement swallows its text unread."""

    IDENTIFIERS: ClassVar[list[str | tuple[str, str]]] = ["`"]
    IDENTIFIER_ESCAPES: ClassVar[list[str]] = ["`"]
    COMMANDS: ClassVar[set[TokenType]] = set()
    # Where a hint stands that is not offered it is a token, which the grammar refuses; to sqlglot it is a comment there.
    TOKENS_PRECEDING_HINT: ClassVar[set[TokenType]] = set(TokenType)
    KEYWORDS: ClassVar[dict[str, TokenType]] = {
        **{word: kind for word, kind in tokens.Tokenizer.KEYWORDS.items() if word != "SESSION"},
        "BYTES": TokenType.VARBINARY,
        "DESCRIPTOR": TokenType.VAR,
    }


class FlinkParser(parser.Parser):
    """sqlglot's parser, cut down to what Flink writes; sqlglot's other operators are syntax errors here."""

    FUNCTIONS: ClassVar[dict[str, Callable[..., Any]]] = {
        **{name: parser.Parser.FUNCTIONS[name] for name in TYPED_FUNCTIONS},
        "LISTAGG": _gathering(ListAgg),
        "ARRAY_AGG": _gathering(ArrayAgg),
        "COLLECT": _gathering(Collect),
    }
    FUNCTION_PARSERS: ClassVar[dict[str, Callable[..., Any]]] = {
        **{name: _placed(parser.Parser.FUNCTION_PARSERS[name], 2) for name in SPECIAL_FUNCTIONS},
        "DESCRIPTOR": _placed(lambda self: self._parse_descriptor(), 2),
        **{name: _placed(parse, 2) for name, parse in JSON_CALLS.items()},
    }
    NO_PAREN_FUNCTION_PARSERS: ClassVar[dict[str, Callable[..., Any]]] = {
        "CASE": _placed(parser.Parser.NO_PAREN_FUNCTION_PARSERS["CASE"], 1)
    }
    PRIMARY_PARSERS: ClassVar[dict[TokenType, Callable[..., Any]]] = {
        **parser.Parser.PRIMARY_PARSERS,
        TokenType.NULL: lambda self, token: self.expression(exp.Null(), token),
        TokenType.TRUE: lambda self, token: self.expression(exp.Boolean(this=True), token),
        TokenType.FALSE: lambda self, token: self.expression(exp.Boolean(this=False), token),
    }
    NO_PAREN_FUNCTIONS: ClassVar[dict[TokenType, type[exp.Expression]]] = {
        TokenType.CURRENT_DATE: exp.CurrentDate,
        TokenType.CURRENT_TIMESTAMP: exp.CurrentTimestamp,
        TokenType.LOCALTIMESTAMP: exp.Localtimestamp,
    }
    RANGE_PARSERS: ClassVar[dict[TokenType, Callable[..., Any]]] = {
        kind: parser.Parser.RANGE_PARSERS[kind]
        for kind in (TokenType.BETWEEN, TokenType.IN, TokenType.IS, TokenType.LIKE, TokenType.SIMILAR_TO)
    }
    COLUMN_OPERATORS: ClassVar[dict[TokenType, Any]] = {TokenType.DOT: None}
    QUERY_MODIFIER_PARSERS: ClassVar[dict[TokenType, Callable[..., Any]]] = {
        kind: _modifier(kind.name, parse) for kind, parse in parser.Parser.QUERY_MODIFIER_PARSERS.items()
    }

    def _parse_csv(self, parse_method: Callable[[], Any], sep: TokenType = TokenType.COMMA) -> list[Any]:
        """sqlglot takes ``a,, b`` and ``a, b,`` for two; there has to be something on both sides of a comma."""

        def parsed() -> Any:
            before, found = self._prev, parse_method()
            comma = self._curr is not None and self._curr.token_type == sep
            if found is None and (comma or (before is not None and before.token_type == sep)):
                self.raise_error("something is missing beside this", self._curr if comma else before)
            return found

        return super()._parse_csv(parsed, sep)

    def _parse_alias(self, this: Any, explicit: bool = False) -> Any:
        token, following = self._curr, self._next
        made = super()._parse_alias(this, explicit)
        if token is not None and token.token_type == TokenType.ALIAS and this is not None:
            if made is this:
                self.raise_error("a name is missing behind AS", token)
            if following is not None and following.token_type == TokenType.STRING:
                self.raise_error("a name stands in `backticks`", following)
        return made

    def _parse_hint(self) -> Any:
        """What stands in a hint is read by itself: its places count from the hint's begin."""
        token, hint = self._curr, super()._parse_hint()
        for node in hint.walk() if hint is not None else ():
            if "start" in node.meta:
                node.meta["start"] += token.start + len("/*+")
        return hint

    def _parse_descriptor(self) -> Descriptor:
        return self.expression(Descriptor(expressions=self._parse_csv(self._parse_column)))

    def _parse_lambda(self, alias: bool = False) -> Any:
        if self._next.token_type == TokenType.FARROW and self._curr.token_type not in (
            TokenType.STRING,
            TokenType.NUMBER,
        ):
            name = exp.to_identifier(self._curr.text).update_positions(self._curr)
            self._advance(2)
            return self.expression(exp.Kwarg(this=name, expression=self._parse_lambda()))
        if self._match(TokenType.TABLE):
            return self._parse_table_argument()
        return super()._parse_lambda(alias=alias)

    def _parse_table_argument(self) -> TableArgument:
        table = TableArgument(this=self._parse_table_parts())
        if self._match(TokenType.PARTITION_BY):
            several = self._match(TokenType.L_PAREN, advance=False)
            table.set(
                "partition",
                self._parse_wrapped_csv(self._parse_column) if several else [self._parse_column()],
            )
        return table

    def _parse_table(self, *args: Any, **kwargs: Any) -> Any:
        if self._curr.token_type == TokenType.TABLE and self._next.token_type == TokenType.L_PAREN:
            return self._parse_table_function(kwargs.get("alias_tokens"), bool(kwargs.get("joins")))
        return super()._parse_table(*args, **kwargs)

    def _parse_table_function(self, alias_tokens: Collection[TokenType] | None, joins: bool) -> Any:
        self._advance(2)
        name = self._curr
        if self._next.token_type != TokenType.L_PAREN:
            self.raise_error("TABLE( takes a table function, as in TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), …))")
        self._advance(2)
        arguments = self._parse_csv(self._parse_lambda)
        self._match_r_paren()
        self._match_r_paren()
        this = TableFunction(this=name.text.upper(), expressions=arguments).update_positions(name)
        this.set("alias", self._parse_table_alias(alias_tokens=alias_tokens or self.TABLE_ALIAS_TOKENS))
        if joins:
            for join in self._parse_joins():
                this.append("joins", join)
        return this

    def _parse_set_operations(self, this: Any) -> Any:
        return _intersect_first(super()._parse_set_operations(this))

    def _parse_types(self, *args: Any, **kwargs: Any) -> Any:
        """Nested types are kept as they are written: sqlglot's own have no names in Flink's places."""
        first, following = self._curr, self._next
        if first is None or following is None or first.text.upper() not in NESTED:
            return super()._parse_types(*args, **kwargs)
        if following.token_type not in (TokenType.LT, TokenType.NEQ):
            return super()._parse_types(*args, **kwargs)
        self._advance()
        depth = 0
        while self._curr is not None:
            if self._curr.token_type not in (TokenType.STRING, TokenType.IDENTIFIER):
                depth += self._curr.text.count("<") - self._curr.text.count(">")
            self._advance()
            if depth <= 0:
                break
        text = self.sql[first.start : self._prev.end + 1]
        return self.expression(exp.DataType(this=exp.DType.USERDEFINED, kind=text)).update_positions(first)

    def _parse_join(self, *args: Any, **kwargs: Any) -> Any:
        token = self._curr
        join = super()._parse_join(*args, **kwargs)
        if join is None and token is not None and token.token_type == TokenType.COMMA:
            self.raise_error("something is missing beside this", token)
        return join.update_positions(token) if join else join


class FlinkGenerator(generator.Generator):
    """Writes types in Flink's words."""

    TYPE_MAPPING: ClassVar[dict[exp.DType, str]] = {
        **generator.Generator.TYPE_MAPPING,
        exp.DataType.Type.TEXT: "STRING",
        exp.DataType.Type.VARBINARY: "BYTES",
        exp.DataType.Type.TIMESTAMPLTZ: "TIMESTAMP_LTZ",
    }
    TRANSFORMS: ClassVar[dict[type[exp.Expr], Callable[..., str]]] = {
        **generator.Generator.TRANSFORMS,
        **dict.fromkeys(
            (UserCall, TableCall), lambda self, call: self.func(call.function.name, *call.expressions)
        ),
    }


class Flink(Dialect):
    """Flink SQL as sqlglot sees it: names keep their case, as Flink's do."""

    NORMALIZATION_STRATEGY = NormalizationStrategy.CASE_SENSITIVE
    Tokenizer = FlinkTokenizer
    Parser = FlinkParser
    Generator = FlinkGenerator
