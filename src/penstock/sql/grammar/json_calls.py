"""The grammar of SQL's JSON functions: words between their arguments become arguments.

    JSON_VALUE(x, '$.a' RETURNING INT DEFAULT 0 ON EMPTY)  ->  JSON_VALUE(x, '$.a', 'INT', 'DEFAULT', 0, 'NULL', NULL)

Source: Flink documentation, "JSON Functions". Knows tokens; what the arguments mean is the engine's.
"""

from collections.abc import Callable
from typing import Any

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

Parse = Callable[[Any], exp.Expression]


def _word(text: str) -> exp.Expression:
    return exp.Literal.string(text)


def _called(name: str, arguments: list[Any]) -> exp.Expression:
    return exp.Anonymous(this=name, expressions=arguments)


def _take(parser: Any, *words: str) -> bool:
    """Step over these words if they are next, whatever tokens sqlglot makes of them."""
    at, read = parser._index, list[str]()
    while len(read) < len(words) and at < len(parser._tokens):
        token = parser._tokens[at]
        if token.token_type in (TokenType.STRING, TokenType.IDENTIFIER):
            return False
        read += token.text.upper().split()
        at += 1
    if tuple(read) != words:
        return False
    parser._advance(at - parser._index)
    return True


def _document(parser: Any) -> list[Any]:
    value = parser._parse_assignment()
    if not parser._match(TokenType.COMMA):
        parser.raise_error("a JSON function takes a text and a path")
    return [value, parser._parse_assignment()]


def json_value(parser: Any) -> exp.Expression:
    """``JSON_VALUE(text, path [RETURNING type] [… ON EMPTY] [… ON ERROR])``."""
    arguments, start = _document(parser), parser._index
    kind = exp.Cast(this=exp.Null(), to=parser._parse_types()) if _take(parser, "RETURNING") else None
    found: dict[str, tuple[str, Any]] = {}
    while True:
        word, given = "", exp.Null()
        if _take(parser, "DEFAULT"):
            word, given = "DEFAULT", parser._parse_assignment()
        else:
            word = next((one for one in ("NULL", "ERROR") if _take(parser, one)), "")
        if not word:
            break
        place = next((one for one in ("EMPTY", "ERROR") if _take(parser, "ON", one)), "")
        if not place or place in found:
            parser.raise_error("NULL, ERROR or DEFAULT stands before ON EMPTY or ON ERROR")
        found[place] = word, given
    if parser._index == start:
        return _called("JSON_VALUE", arguments)
    ends = [part for place in ("EMPTY", "ERROR") for part in found.get(place, ("NULL", exp.Null()))]
    told = [_word(one) if isinstance(one, str) else one for one in ends]
    return _called("JSON_VALUE", [*arguments, kind or _word(""), *told])


def json_query(parser: Any) -> exp.Expression:
    """``JSON_QUERY(text, path [RETURNING type] [… WRAPPER] [… ON EMPTY] [… ON ERROR])``."""
    arguments, start = _document(parser), parser._index
    kind = exp.Cast(this=exp.Null(), to=parser._parse_types()) if _take(parser, "RETURNING") else None
    wrapper = "WITHOUT"
    for words, name in _WRAPPERS:
        if _take(parser, *words, "WRAPPER") or _take(parser, *words, "ARRAY", "WRAPPER"):
            wrapper = name
            break
    found: dict[str, str] = {}
    while word := next((one for one in _ANSWERS if _take(parser, *one.split())), ""):
        place = next((one for one in ("EMPTY", "ERROR") if _take(parser, "ON", one)), "")
        if not place or place in found:
            parser.raise_error("what is given stands before ON EMPTY or ON ERROR")
        found[place] = word
    if parser._index == start:
        return _called("JSON_QUERY", arguments)
    told = [_word(found.get(place, "NULL")) for place in ("EMPTY", "ERROR")]
    return _called("JSON_QUERY", [*arguments, kind or _word(""), _word(wrapper), *told])


_ANSWERS = ("NULL", "EMPTY ARRAY", "EMPTY OBJECT", "ERROR")
_WRAPPERS = (
    (("WITHOUT",), "WITHOUT"), (("WITH", "CONDITIONAL"), "CONDITIONAL"), (("WITH", "UNCONDITIONAL"), "UNCONDITIONAL"),
    (("WITH",), "UNCONDITIONAL"),
)  # fmt: skip


def json_exists(parser: Any) -> exp.Expression:
    """``JSON_EXISTS(text, path [… ON ERROR])``."""
    arguments = _document(parser)
    word = next(
        (one for one in ("TRUE", "FALSE", "UNKNOWN", "ERROR") if _take(parser, one, "ON", "ERROR")), ""
    )
    return _called("JSON_EXISTS", [*arguments, *([_word(word)] if word else [])])


def _on_null(parser: Any, default: str) -> exp.Expression:
    return _word(next((one for one in ("NULL", "ABSENT") if _take(parser, one, "ON", "NULL")), default))


def json_object(parser: Any) -> exp.Expression:
    """``JSON_OBJECT([KEY] name VALUE value, … [NULL | ABSENT ON NULL])``."""
    pairs: list[Any] = []
    while not parser._match(TokenType.R_PAREN, advance=False) and not _ends(parser):
        _take(parser, "KEY")
        pairs.append(parser._parse_assignment())
        if not _take(parser, "VALUE"):
            parser.raise_error("JSON_OBJECT takes KEY 'name' VALUE value")
        pairs.append(parser._parse_assignment())
        if not parser._match(TokenType.COMMA):
            break
    return _called("JSON_OBJECT", [_on_null(parser, "NULL"), *pairs])


def json_array(parser: Any) -> exp.Expression:
    """``JSON_ARRAY(value, … [NULL | ABSENT ON NULL])``."""
    values: list[Any] = []
    while not parser._match(TokenType.R_PAREN, advance=False) and not _ends(parser):
        values.append(parser._parse_assignment())
        if not parser._match(TokenType.COMMA):
            break
    return _called("JSON_ARRAY", [_on_null(parser, "ABSENT"), *values])


def _ends(parser: Any) -> bool:
    at = parser._index
    found = any(_take(parser, one, "ON", "NULL") for one in ("NULL", "ABSENT"))
    parser._retreat(at)
    return found


JSON_CALLS: dict[str, Parse] = {
    "JSON_VALUE": json_value, "JSON_QUERY": json_query, "JSON_EXISTS": json_exists, "JSON_OBJECT": json_object,
    "JSON_ARRAY": json_array,
}  # fmt: skip
