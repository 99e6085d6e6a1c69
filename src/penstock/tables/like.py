"""SQL's LIKE: ``%`` is any text, ``_`` any one character, a backslash takes the next character as it is.

Matched piece by piece without backtracking, so that no pattern makes it slow. Knows nothing of columns.
"""

import re
from collections.abc import Callable


def like(pattern: str) -> Callable[[str], bool]:
    """The test for a pattern; raises ValueError where it ends in a lone backslash."""
    pieces = [re.compile(piece, re.DOTALL) for piece in _pieces(pattern)]
    if len(pieces) == 1:
        return lambda text: pieces[0].fullmatch(text) is not None
    first, *middle, last = pieces
    # Each piece has a fixed length, so the last one's place is known from the end of the text.
    last_length = _length(_pieces(pattern)[-1])

    def test(text: str) -> bool:
        found = first.match(text)
        for piece in middle:
            found = found and piece.search(text, found.end())
        start = len(text) - last_length
        return found is not None and start >= found.end() and last.match(text, start) is not None

    return test


def _pieces(pattern: str) -> list[str]:
    pieces, escaped = [""], False
    for letter in pattern:
        if escaped or letter not in "\\%_":
            pieces[-1] += re.escape(letter)
            escaped = False
        elif letter == "\\":
            escaped = True
        elif letter == "%":
            pieces.append("")
        else:
            pieces[-1] += "."
    if escaped:
        raise ValueError("the pattern ends in a lone backslash")
    return pieces


def _length(piece: str) -> int:
    return len(re.sub(r"\\(.)", r"\1", piece, flags=re.DOTALL))
