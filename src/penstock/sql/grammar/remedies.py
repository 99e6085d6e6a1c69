"""What to write instead of what is no Flink SQL: words and signs of other dialects, misspelt words, a clause out of its place.

Knows tokens; knows nothing of parsing.
"""

import difflib
from collections.abc import Sequence

from sqlglot.tokenizer_core import Token, TokenType

from penstock.sql.support import EXPRESSIONS_REFUSED, Reason

_CLAUSES = "SELECT … FROM … WHERE … GROUP BY … HAVING …, in this order"
_WORDS = ("SELECT", "FROM", "WHERE", "GROUP BY", "HAVING", "JOIN", "UNION", "VALUES", "BETWEEN", "DISTINCT")
_ELSEWHERE = {
    "::": "CAST(x AS type)",
    "&&": "AND",
    "->": "JSON_VALUE(text, '$.name')",
    "->>": "JSON_VALUE(text, '$.name')",
    "ILIKE": "LOWER(text) LIKE '…'",
    "RLIKE": "REGEXP(text, 'pattern')",
    "~": "REGEXP(text, 'pattern')",
    "XOR": "(a OR b) AND NOT (a AND b)",
    "**": "POWER(x, y)",
    "/": "x / y; a comment begins with --",
    "#": "a comment begins with --",
    "MINUS": "EXCEPT",
    "TOP": "ROW_NUMBER() OVER (…), bounded in WHERE",
    "GROUP": "GROUP BY column, …",
    "ORDER": "ORDER BY stands in OVER (…)",
    "OUTER": "LEFT OUTER JOIN t ON …",
}
# To sqlglot they are operators of their own; Flink has none of them.
_SIGNS = {
    "==": Reason("==", "== is not Flink SQL", "="),
    "<=>": Reason("<=>", "<=> is not Flink SQL", "a IS NOT DISTINCT FROM b"),
    "??": Reason("??", "?? is not Flink SQL", "COALESCE(a, b)"),
    "?": next(r for r in EXPRESSIONS_REFUSED.values() if r.construct == "?"),
    "@": next(r for r in EXPRESSIONS_REFUSED.values() if r.construct == "@"),
    ":": next(r for r in EXPRESSIONS_REFUSED.values() if r.construct == "?"),
}


def foreign(token: Token) -> Reason | None:
    """Why a sign cannot stand anywhere in a script."""
    quoted = token.token_type in (TokenType.STRING, TokenType.IDENTIFIER)
    return None if quoted else _SIGNS.get(token.text)


def instead(tokens: Sequence[Token], at: Token | None) -> str:
    """The remedy for a syntax error at a token: what the token, or the one before it, may have meant."""
    place = next((i for i, token in enumerate(tokens) if token is at), len(tokens) - 1)
    near = [t.text.upper() for t in tokens[max(0, place - 1) : place + 1] if t.token_type != TokenType.STRING]
    for word in reversed(near):
        if word in _ELSEWHERE:
            return _ELSEWHERE[word]
    for word in near:
        meant = difflib.get_close_matches(word, _WORDS, n=1, cutoff=0.7)
        if meant and meant[0] != word:
            return f"did you mean `{meant[0]}`?"
    opened = sum(t.token_type == TokenType.L_PAREN for t in tokens)
    closed = sum(t.token_type == TokenType.R_PAREN for t in tokens)
    if opened != closed:
        return f"{opened} parentheses open and {closed} close here"
    return _CLAUSES
