"""The newest offset of each key, in bounded memory.

Long keys are held by a digest so long that two keys never share one (256 bits). Knows bytes and numbers.
"""

from hashlib import blake2b

_RAW_MAX = 31  # longer keys are held by 32 bytes of digest, which no raw key is equal to
_ENTRY_BYTES = 200  # a slot of a dict at its emptiest, a bytes object, an int


class KeyMap:
    """At most about `bytes_max` bytes large; `put` says when it is full."""

    __slots__ = ("_entries_max", "_newest")

    def __init__(self, bytes_max: int) -> None:
        self._entries_max = max(1, bytes_max // _ENTRY_BYTES)
        self._newest: dict[bytes, int] = {}

    def __len__(self) -> int:
        return len(self._newest)

    def put(self, key: bytes, offset: int) -> bool:
        """Note the record; False, and nothing noted, where there is no room for another key."""
        if len(key) > _RAW_MAX:
            key = blake2b(key, digest_size=32).digest()
        newest = self._newest
        if key not in newest and len(newest) >= self._entries_max:
            return False
        newest[key] = offset
        return True

    def superseded(self, key: bytes, offset: int) -> bool:
        """Whether a younger record has the key."""
        if len(key) > _RAW_MAX:
            key = blake2b(key, digest_size=32).digest()
        return self._newest.get(key, -1) > offset
