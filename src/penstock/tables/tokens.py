"""Resume tokens: which table, and the next offset of each of its partitions, as one opaque word.

The table's identity is its topic's id, so a token from before a topic was deleted and made again does not fit.
Knows nothing of rows. The word is made of letters, digits, ``-``, ``_`` and ``.``: it may stand in a URL as it is.
"""

import base64
from collections.abc import Sequence

TOKEN_BYTES_MAX = 64 * 1024
PARTITIONS_MAX = 2048
_OFFSET_DIGITS_MAX = 19  # of a 64-bit offset


def word_of(identity: bytes) -> str:
    """The part of a token that names the table."""
    return base64.urlsafe_b64encode(identity).rstrip(b"=").decode()


def write(word: str, offsets: Sequence[int]) -> str:
    """The token of a table (`word_of` its identity) at a position."""
    return f"{word}.{'.'.join(map(str, offsets))}"


def read(token: str) -> tuple[str, list[int]] | None:
    """A token's word and offsets; None for whatever is not a token."""
    if len(token) > TOKEN_BYTES_MAX:
        return None
    word, _, rest = token.partition(".")
    numbers = rest.split(".", PARTITIONS_MAX)
    if len(numbers) > PARTITIONS_MAX:
        return None
    if not all(n.isascii() and n.isdigit() and len(n) <= _OFFSET_DIGITS_MAX for n in numbers):
        return None
    return word, [int(n) for n in numbers]
