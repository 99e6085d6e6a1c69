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


def group_references(replacement: str) -> str:
    """Java's replacement text (``$1``, ``\\$``) as Rust's regex has it (``${1}``, ``$$``)."""
    out, at = [], 0
    while at < len(replacement):
        character = replacement[at]
        following = replacement[at + 1 : at + 2]
        if character == "\\" and following:
            out.append("$$" if following == "$" else following)
            at += 1
        elif character == "$" and following.isdigit():
            out.append("${" + following + "}")
            at += 1
        else:
            out.append("$$" if character == "$" else character)
        at += 1
    return "".join(out)
