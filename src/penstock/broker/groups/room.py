"""What the members of all groups hold in memory, and how much that may be.

Members hold what they say of themselves, what they are assigned, and ids; a leader is told all of it, and so is an admin.
Knows bytes; knows neither members nor groups.
"""

from collections.abc import Iterable
from typing import Final

MEMBER_BYTES: Final = 1000
"""A member without what it says: itself, its timer, its places in the group."""
ENTRY_BYTES: Final = 150
"""An entry beside its own bytes: one of a member's protocols, an id that was handed out."""


class Room:
    """`held_bytes` of `bytes_max` are taken."""

    def __init__(self, bytes_max: int) -> None:
        self.bytes_max = bytes_max
        self.held_bytes = 0

    def fits(self, more_bytes: int) -> bool:
        """Whether there is room for more; less is always welcome."""
        return more_bytes <= 0 or self.held_bytes + more_bytes <= self.bytes_max

    def change(self, more_bytes: int) -> None:
        """Somebody holds more now, or less."""
        self.held_bytes += more_bytes


def member_bytes(protocols: Iterable[tuple[str, bytes]], *names: str | None) -> int:
    """What a member costs that has these protocols and is known by these names."""
    said = sum(ENTRY_BYTES + len(name) + len(data) for name, data in protocols)
    return MEMBER_BYTES + said + sum(len(name) for name in names if name is not None)


def id_bytes(member_id: str) -> int:
    """What an id costs that was handed out and is not used yet."""
    return ENTRY_BYTES + len(member_id)
