"""A refused query and where it stands: faults carry the token or node at fault, a script turns it into line and column.

Knows positions in a text; knows nothing of what was wrong.
"""

import difflib
from collections.abc import Iterable
from typing import TypeAlias

from sqlglot import exp
from sqlglot.tokenizer_core import Token

from penstock.errors import PenstockError

At: TypeAlias = int | Token | exp.Expression | None


class QueryError(PenstockError):
    """Something the user wrote that cannot be run. `at` is the offset, token or node where it stands, if known."""

    def __init__(self, message: str, at: At = None, *, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.at = at


def offset_of(at: At) -> int | None:
    """The offset in the script where `at` begins: of a node without its own place, that of its leftmost part."""
    if at is None or isinstance(at, int):
        return at
    if isinstance(at, Token):
        return at.start
    starts = (node.meta.get("start") for node in at.walk())
    own = (
        at.meta.get("start")
        if isinstance(at, exp.Func | exp.Join | exp.Order | exp.Null | exp.Boolean)
        else None
    )
    return own if own is not None else min((s for s in starts if s is not None), default=None)


class Script:
    """One SQL text and the name of the file it came from."""

    def __init__(self, text: str, place: str = "") -> None:
        self.text, self.place = text, place

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, both from 1."""
        before = self.text[: max(0, min(offset, len(self.text)))]
        return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1

    def locate(self, fault: QueryError, fallback: At = None) -> PenstockError:
        """The fault as the user sees it: in this file, at line and column."""
        offset = offset_of(fault.at)
        if offset is None:
            offset = offset_of(fallback) or 0
        line, column = self.position(offset)
        return PenstockError(fault.message, remedy=fault.remedy, place=self.place, line=line, column=column)


def did_you_mean(name: str, known: Iterable[str], what: str) -> str:
    """The remedy for an unknown name: the nearest known one, or all of them."""
    names = [n for n in known if not n.startswith("$")]
    folded = {n.lower(): n for n in names}
    near = difflib.get_close_matches(name.lower(), folded, n=1, cutoff=0.6)
    if near:
        return f"did you mean `{folded[near[0]]}`?"
    listed = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    return f"{what} here: {listed}" if names else f"there are no {what} yet"
