"""The state of a user's class, by key: its annotated fields, written down after each call and read before the next.

So a call that fails leaves nothing behind, no two keys share a list, and a snapshot is a copy. A key whose fields all
have their first values takes no room. Knows nothing of rows and timers.
"""

from collections.abc import Hashable
from typing import Any

import msgspec
import polars as pl

from penstock.engine.functions.user import ProcessClass
from penstock.engine.operators.user.failures import WrongError
from penstock.errors import PenstockError

Key = tuple[Hashable, ...]
STATE, TOUCHED = "$state", "$touched"


class States:
    """`instance` is the one object of the user's class; `load` makes it some key's, `save` writes its fields down."""

    def __init__(self, function: ProcessClass, keys: dict[str, pl.DataType]) -> None:
        self.keys, self.ttl_ms = keys, function.ttl_ms
        self.names = [name for name, _ in function.state]
        try:
            self.instance: Any = function.body()
        except Exception as error:
            raise PenstockError(
                f"{function.name}() failed: {type(error).__name__}: {error}",
                remedy="the class is made once, without arguments",
            ) from error
        self._encode = msgspec.msgpack.Encoder().encode
        hints = tuple(function.hints)
        self._decode = msgspec.msgpack.Decoder(tuple[hints] if hints else tuple[()]).decode  # type: ignore[valid-type]
        self._first = self._encode(tuple(getattr(function.body, name) for name in self.names))
        self._kept: dict[Key, tuple[bytes, int]] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def load(self, key: Key) -> None:
        """The instance has the key's fields."""
        held = self._kept.get(key)
        self._put(self._first if held is None else held[0])

    def reset(self) -> None:
        """The instance has the fields' first values."""
        self._put(self._first)

    def _put(self, held: bytes) -> None:
        for name, value in zip(self.names, self._decode(held), strict=True):
            setattr(self.instance, name, value)

    def save(self, key: Key, now_ms: int) -> None:
        """Write the instance's fields down as the key's; raises `WrongError` for what is not of its type."""
        made = self._encode(tuple(getattr(self.instance, name) for name in self.names))
        try:
            self._decode(made)
        except msgspec.ValidationError as error:
            raise WrongError(f"its state is not what its type hints say: {error}") from None
        self._kept.pop(key, None)  # the latest touched stand last
        if made != self._first:
            self._kept[key] = made, now_ms

    def expire(self, now_ms: int) -> None:
        """Forget the keys that nobody touched for the time to live."""
        if self.ttl_ms is None:
            return
        gone = []
        for key, (_, touched_ms) in self._kept.items():
            if touched_ms + self.ttl_ms > now_ms:
                break
            gone.append(key)
        for key in gone:
            del self._kept[key]

    def frame(self) -> pl.DataFrame:
        """All keys with their states, the longest untouched first."""
        rows = [(*key, held, touched_ms) for key, (held, touched_ms) in self._kept.items()]
        return pl.DataFrame(rows, schema={**self.keys, STATE: pl.Binary, TOUCHED: pl.Int64}, orient="row")

    def restore(self, frame: pl.DataFrame) -> None:
        """The opposite of `frame`."""
        self._kept = {row[:-2]: (row[-2], row[-1]) for row in frame.rows()}
