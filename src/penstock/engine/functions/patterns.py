"""Patterns of other worlds: LIKE and SIMILAR TO to regular expressions, Java's date letters to strftime's.

Knows nothing of expressions.
"""

import re

from penstock.errors import PenstockError

_LETTERS = {
    "yyyy": "%Y", "uuuu": "%Y", "yy": "%y", "MM": "%m", "M": "%-m", "MMM": "%b", "MMMM": "%B", "dd": "%d", "d": "%-d",
    "HH": "%H", "H": "%-H", "hh": "%I", "h": "%-I", "mm": "%M", "m": "%-M", "ss": "%S", "s": "%-S", "a": "%p",
    "SSS": "%3f", "SSSSSS": "%6f", "EEE": "%a", "EEEE": "%A", "E": "%a", "DDD": "%j", "D": "%-j",
}  # fmt: skip
_RUN = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|.", re.DOTALL)


def java_pattern(pattern: str) -> str:
    """``yyyy-MM-dd HH:mm:ss.SSS`` as ``%Y-%m-%d %H:%M:%S%.3f``; raises for letters that are not offered."""
    out = []
    for match in _RUN.finditer(pattern):
        run = match[0]
        if match[1] is not None:
            out.append((match[1].replace("''", "'") or "'").replace("%", "%%"))
        elif match[2] is None:
            out.append("%%" if run == "%" else run)
        elif run in _LETTERS:
            out.append(_LETTERS[run])
        else:
            raise PenstockError(
                f"the date pattern letter {run} is not offered", remedy="offered: " + " ".join(_LETTERS)
            )
    return "".join(out).replace(".%3f", "%.3f").replace(".%6f", "%.6f")


def like_pattern(pattern: str, escape: str | None) -> str:
    """A LIKE pattern as an anchored regular expression: ``%`` any text, ``_`` any character."""
    out, at = [], 0
    while at < len(pattern):
        character = pattern[at]
        if escape and character == escape:
            at += 1
            if at == len(pattern):
                raise PenstockError(f"the LIKE pattern {pattern!r} ends in its escape character")
            out.append(re.escape(pattern[at]))
        else:
            out.append({"%": ".*", "_": "."}.get(character) or re.escape(character))
        at += 1
    return "(?s)^" + "".join(out) + "$"


_SPECIALS = frozenset("[]()|^-+*_%?{}")
_NAMED = {
    "ALPHA": "A-Za-z", "UPPER": "A-Z", "LOWER": "a-z", "DIGIT": "0-9", "ALNUM": "A-Za-z0-9", "SPACE": " ",
    "WHITESPACE": r" \t\n\x0B\f\r",
}  # fmt: skip
_NAME = re.compile(r"\[:([A-Z]+|[a-z]+):\]")
_ANY = r"[^\n\r\x{85}\x{2028}\x{2029}]"
"""Java's point: any character that ends no line."""


def similar_pattern(pattern: str, escape: str | None) -> str:
    """A SIMILAR TO pattern as an anchored regular expression, as Calcite writes it (Like.sqlToRegexSimilar): what means
    nothing in SQL is Java's, a point and ``^`` outside of brackets too. Raises `PenstockError` for what it refuses."""
    if escape is not None and (len(escape) != 1 or escape in _SPECIALS):
        raise PenstockError(f"{escape!r} cannot escape in a SIMILAR TO pattern", remedy="ESCAPE '!'")
    out, at = list[str](), 0
    while at < len(pattern):
        character = pattern[at]
        if character == escape:
            out.append(re.escape(_after_escape(pattern, at)))
            at += 2
        elif character == "[":
            made, at = _enumeration(pattern, at + 1, escape)
            out.append(made)
        elif character == "]" or pattern.startswith("(?", at):
            raise _no_pattern(pattern)
        else:
            out.append(
                {"%": "(?s:.*)", "_": _ANY, ".": _ANY, "\\": r"\\", "$": r"\$"}.get(character, character)
            )
            at += 1
    if re.search(r"[*+?}]\+", pattern):  # Java's possessive quantifiers: Rust would read another one
        raise _no_pattern(pattern)
    return rf"^(?:{''.join(out)})\z"


def _enumeration(pattern: str, at: int, escape: str | None) -> tuple[str, int]:
    """What stands in brackets from a place on, and where it goes on behind them."""
    out = ["["]
    while at < len(pattern) and pattern[at] != "]":
        character, named = pattern[at], _NAME.match(pattern, at)
        if named and named[1].upper() in _NAMED:
            out.append(_NAMED[named[1].upper()])
            at = named.end()
            continue
        if character == escape:
            out.append(re.escape(_after_escape(pattern, at)))
            at += 2
            continue
        if character in _SPECIALS - {"-", "^"}:
            raise _no_pattern(pattern)
        out.append(character if character in "-^" or character.isalnum() else re.escape(character))
        at += 1
    if at == len(pattern) or "--" in "".join(out):  # Rust would take one set from another
        raise _no_pattern(pattern)
    return "".join(out) + "]", at + 1


def _after_escape(pattern: str, at: int) -> str:
    """What stands behind the escape at a place: a sign that means something, or the escape itself."""
    following = pattern[at + 1 : at + 2]
    if following not in _SPECIALS and following != pattern[at]:
        raise _no_pattern(pattern)
    return following


def _no_pattern(pattern: str) -> PenstockError:
    return PenstockError(f"{pattern!r} is no SIMILAR TO pattern", remedy="REGEXP(text, pattern), or LIKE")


_CLASSES = {"w": "A-Za-z0-9_", "d": "0-9", "s": r" \t\n\x0B\f\r"}


def java_regex(pattern: str) -> str:
    """A regular expression as Rust has it: Java's ``\\w``, ``\\d``, ``\\s`` and ``\\b`` know ASCII only."""
    out, at, inside = [], 0, False
    while at < len(pattern):
        sign, following = pattern[at], pattern[at + 1 : at + 2]
        if sign == "\\" and following:
            out.append(_escaped(following, inside))
            at += 2
            continue
        inside = (inside or sign == "[") and sign != "]"
        out.append(sign)
        at += 1
    return "".join(out)


def _escaped(letter: str, inside: bool) -> str:
    known = _CLASSES.get(letter.lower())
    if known is None:
        return "(?-u:\\b)" if letter == "b" and not inside else "\\" + letter
    if letter.isupper():
        return f"[^{known}]"
    return known if inside else f"[{known}]"
