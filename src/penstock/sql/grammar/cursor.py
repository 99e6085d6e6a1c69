"""A cursor over a statement's tokens, for the grammar that sqlglot does not have: DDL, SET, statement sets.

Expressions and queries inside are handed to the Flink dialect's parser as slices of tokens, so their places hold.
"""

from collections.abc import Iterator

from sqlglot import exp
from sqlglot.errors import ErrorLevel, ParseError, TokenError
from sqlglot.tokenizer_core import Token, TokenType

from penstock.sql.dialect import NESTED, Flink
from penstock.sql.faults import QueryError, Script
from penstock.sql.grammar.remedies import foreign, instead
from penstock.sql.grammar.reserved import check_names, refuse_reserved
from penstock.sql.support import CLAUSES_REFUSED

SCRIPT_CHARACTERS_MAX = 1_000_000
OPENING = (TokenType.L_PAREN, TokenType.L_BRACKET)
CLOSING = (TokenType.R_PAREN, TokenType.R_BRACKET)
# What a name may not start with: these have their own token types in every position we read a name at.
NOT_NAMES = (TokenType.STRING, TokenType.NUMBER, TokenType.HINT)


def tokenize(script: Script) -> list[Token]:
    """The script's tokens; refuses what Flink's lexer would: double quotes, unclosed strings; and hints of tables."""
    if len(script.text) > SCRIPT_CHARACTERS_MAX:
        raise QueryError(
            f"the script is longer than {SCRIPT_CHARACTERS_MAX} characters", 0, remedy="split it"
        )
    try:
        found: list[Token] = Flink().tokenize(script.text)
    except TokenError as error:
        raise _unclosed(script, error) from None
    for before, token in zip([None, *found], found, strict=False):
        if token.token_type == TokenType.HINT and (before is None or before.token_type != TokenType.SELECT):
            reason = CLAUSES_REFUSED["hints"]
            raise QueryError(reason.message, token, remedy=reason.remedy)
        sign = foreign(token)
        if sign:
            raise QueryError(sign.message, token, remedy=sign.remedy)
        if '"' in token.text and token.token_type not in (TokenType.STRING, TokenType.IDENTIFIER):
            raise QueryError(
                '" does not quote in Flink SQL', token, remedy="names in `backticks`, text in 'quotes'"
            )
    return found


def _unclosed(script: Script, error: TokenError) -> QueryError:
    """sqlglot says where reading stopped; the user looks for where the string began."""
    for opening, what in (("/*", "comment"), ("`", "name"), ("'", "text")):
        if script.text.count(opening) % 2 or (
            opening == "/*" and script.text.count("/*") > script.text.count("*/")
        ):
            return QueryError(f"a {what} that {opening} opens is never closed", script.text.rfind(opening))
    return QueryError(f"the script cannot be read: {str(error).splitlines()[0]}", len(script.text) - 1)


class Cursor:
    """Reads tokens from left to right; every complaint is a `QueryError` at the token it is about."""

    def __init__(self, script: Script, tokens: list[Token], end: int) -> None:
        self.script, self.tokens, self.at, self.end = script, tokens, 0, end

    @property
    def token(self) -> Token | None:
        """The token to be read next; None at the end."""
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    @property
    def here(self) -> Token | int:
        """The place of the next token, or of the statement's end."""
        return self.token or self.end

    def peek(self, *words: str) -> bool:
        """Whether the next tokens are these words (or signs)."""
        return self._after(words) is not None

    def accept(self, *words: str) -> bool:
        """Step over the words if they are next."""
        after = self._after(words)
        self.at = self.at if after is None else after
        return after is not None

    def _after(self, words: tuple[str, ...]) -> int | None:
        """The position after the words; sqlglot makes one token of some pairs, such as PRIMARY KEY."""
        read: list[str] = []
        for index in range(self.at, len(self.tokens)):
            token = self.tokens[index]
            if token.token_type in (TokenType.STRING, TokenType.IDENTIFIER):
                return None
            read += token.text.upper().split()
            if len(read) >= len(words):
                return index + 1 if tuple(read) == words else None
        return None

    def expect(self, *words: str, remedy: str = "") -> None:
        """Step over the words, or say that they are missing."""
        if not self.accept(*words):
            raise QueryError(f"expected {' '.join(words)}, found {self.found()}", self.here, remedy=remedy)

    def found(self) -> str:
        """What stands here, for messages."""
        return f"`{self.token.text}`" if self.token else "the end of the statement"

    def name(self, what: str) -> Token:
        """A name, quoted or not."""
        token = self.token
        quoted = token is not None and token.token_type == TokenType.IDENTIFIER
        word = (
            token is not None
            and token.token_type not in NOT_NAMES
            and token.text[:1].replace("_", "a").isalpha()
        )
        if token is None or not (quoted or word):
            raise QueryError(f"expected {what}, found {self.found()}", self.here)
        if not quoted:
            refuse_reserved(token.text, token)
        self.at += 1
        return token

    def string(self, what: str) -> Token:
        """A text in quotes."""
        token = self.token
        if token is None or token.token_type != TokenType.STRING:
            raise QueryError(f"expected {what} in 'quotes', found {self.found()}", self.here)
        self.at += 1
        return token

    def wrapped(self) -> "Cursor":
        """What stands between the parenthesis here and its partner, as a cursor; steps over both."""
        opening = self.here
        self.expect("(")
        start, depth = self.at, 1
        while depth:
            if self.token is None:
                raise QueryError("this parenthesis is never closed", opening)
            depth += (self.token.token_type in OPENING) - (self.token.token_type in CLOSING)
            self.at += 1
        closing = self.tokens[self.at - 1]
        return Cursor(self.script, self.tokens[start : self.at - 1], closing.start)

    def items(self) -> Iterator["Cursor"]:
        """The parts between commas that stand in no parentheses (nor in the angle brackets of a type)."""
        start, depth, angle = self.at, 0, 0
        for index in range(self.at, len(self.tokens)):
            token = self.tokens[index]
            depth += (token.token_type in OPENING) - (token.token_type in CLOSING)
            angle = self._angle(index, angle)
            if token.token_type == TokenType.COMMA and not depth and not angle:
                yield Cursor(self.script, self.tokens[start:index], token.start)
                start = index + 1
        yield Cursor(self.script, self.tokens[start:], self.end)
        self.at = len(self.tokens)

    def _angle(self, index: int, angle: int) -> int:
        """How many angle brackets of types are open after a token."""
        token = self.tokens[index]
        if token.text.startswith("<") and index and self.tokens[index - 1].text.upper() in NESTED:
            return angle + 1
        closing = (
            token.text.count(">") if token.token_type not in (TokenType.STRING, TokenType.IDENTIFIER) else 0
        )
        return max(0, angle - closing)

    def until(self, *words: str) -> "Cursor":
        """What stands before the first of the words, outside of brackets; the cursor stops at the word."""
        start, depth, angle = self.at, 0, 0
        while self.token and not (not depth and not angle and any(self.peek(*w.split()) for w in words)):
            depth += (self.token.token_type in OPENING) - (self.token.token_type in CLOSING)
            angle = self._angle(self.at, angle)
            self.at += 1
        return Cursor(self.script, self.tokens[start : self.at], self.token.start if self.token else self.end)

    def finish(self, after: str) -> None:
        """Nothing may follow."""
        if self.token:
            raise QueryError(f"{self.found()} is not expected after {after}", self.token)

    def parse(self, kind: type, what: str) -> exp.Expression:
        """All that is left, as a sqlglot tree."""
        rest, self.at = self.tokens[self.at :], len(self.tokens)
        if not rest:
            raise QueryError(f"expected {what}, found {self.found()}", self.end)
        try:
            (tree,) = (
                Flink().parser(error_level=ErrorLevel.IMMEDIATE).parse_into(kind, rest, self.script.text)
            )
        except ParseError as error:
            raise self._syntax(error, rest) from None
        except RecursionError:
            raise QueryError(
                f"{what} is nested too deeply", rest[0], remedy="split it with WITH or views"
            ) from None
        except (AttributeError, TypeError, ValueError, KeyError, IndexError):
            # sqlglot's builders trust their arguments; mangled input trips some of them outside of ParseError.
            raise QueryError(f"{what} cannot be read", rest[0]) from None
        if not isinstance(tree, exp.Expression):
            raise QueryError(f"expected {what}, found `{rest[0].text}`", rest[0])
        check_names(tree)
        return tree

    def _syntax(self, error: ParseError, rest: list[Token]) -> QueryError:
        first = error.errors[0] if error.errors else {}
        line, column = first.get("line"), first.get("col")
        token = next((t for t in rest if (t.line, t.col) == (line, column)), None)
        text = str(first.get("description") or error).splitlines()[0].rstrip(".")
        if text.startswith("Required keyword"):
            # At the end sqlglot names the last token that it read, elsewhere the next one.
            ended = token is rest[-1] and token.token_type not in CLOSING
            where = "after" if ended else "before"
            text = f"something is missing {where} it" if token else "something is missing"
        elif text.startswith("Invalid expression"):
            text = "this was not expected"
        text = text.split(" but got <")[0]
        shown = f" at `{token.text}`" if token else ""
        said = f"syntax error{shown}: {text[:1].lower()}{text[1:]}"
        return QueryError(said, token or rest[-1], remedy=instead(rest, token))
