"""Which topics or groups the words of a command mean: names, patterns, regular expressions.

A word with any of ``* ? [`` is a pattern (`fnmatch`): no topic's name holds them. Knows no server.
"""

import argparse
import difflib
import fnmatch
import re
from collections.abc import Collection, Iterable, Sequence

from penstock.errors import PenstockError

OWN = ("_penstock.", "__")
"""How the names of penstock's and Kafka's own topics begin."""


def names_flags(parser: argparse.ArgumentParser, what: str, count: str = "+") -> None:
    """Names or patterns as positional words, ``--regex``, ``--internal``."""
    parser.add_argument(
        what, nargs=count, metavar=what.upper(), help=f"{what}s by name or by pattern: orders, 'test-*'"
    )
    parser.add_argument(
        "--regex", action="store_true", help="the words are regular expressions for whole names"
    )
    if what == "topic":
        parser.add_argument("--internal", action="store_true", help="patterns mean penstock's own topics too")


def own(name: str) -> bool:
    """Whether a topic is one of penstock's or Kafka's own."""
    return name.startswith(OWN)


def choose(words: Sequence[str], known: Iterable[str], given: argparse.Namespace, what: str) -> list[str]:
    """What of `known` is meant, sorted; raises PenstockError for a name that is not there, or a pattern of nothing."""
    names = sorted(known)
    chosen: set[str] = set()
    for word in words:
        if given.regex or is_pattern(word):
            fits = _expression(word, given.regex)
            found = [
                n for n in names if fits.fullmatch(n) and (not own(n) or getattr(given, "internal", True))
            ]
            if not found:
                raise PenstockError(f"no {what} matches {word}", remedy=f"see them all: penstock {what} list")
            chosen.update(found)
        elif word in names:
            chosen.add(word)
        else:
            raise unknown(word, names, what)
    return sorted(chosen)


def is_pattern(word: str) -> bool:
    """Whether the word is a pattern rather than a name."""
    return any(sign in word for sign in "*?[")


def unknown(word: str, names: Collection[str], what: str) -> PenstockError:
    """The error for a name that is not there, with the name that was perhaps meant."""
    near = difflib.get_close_matches(word, names, 1)
    remedy = f"did you mean {near[0]}?" if near else f"see them all: penstock {what} list"
    return PenstockError(f"there is no {what} {word}", remedy=remedy)


def _expression(word: str, regex: bool) -> re.Pattern[str]:
    try:
        return re.compile(word if regex else fnmatch.translate(word))
    except re.error as error:
        raise PenstockError(
            f"{word!r} is no regular expression: {error}",
            remedy="leave --regex out for patterns with * and ?",
        ) from None
