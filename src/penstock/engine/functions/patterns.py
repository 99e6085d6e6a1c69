"""Patterns of other worlds: LIKE to regular expressions, Java's date letters to strftime's.

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
