"""Keys of a live table: the record's key bytes are the row's identity; a request names it by column values.

The usual key is a JSON object of the key columns; a key that is not an object stands for the one key column as text
(Flink's ``key.format = raw``). Knows nothing of rows or positions.
"""

from typing import Any
from urllib.parse import unquote

import msgspec

from penstock.tables.columns import TableColumn

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder(decimal_format="number").encode


class Keys:
    """Reads and finds the keys of one table. Remembers only keys that were not written the way we would write them."""

    def __init__(self, columns: tuple[TableColumn, ...], key: tuple[str, ...]) -> None:
        kinds = {column.name: column for column in columns}
        self.names = key
        self._columns = [kinds.get(name, TableColumn(name, "STRING")) for name in key]
        self._others: dict[bytes, bytes] = {}

    def fields(self, key: bytes) -> dict[str, Any] | None:
        """A key's columns; None where it cannot be read."""
        if key[:1] == b"{":
            try:
                parsed = _decode(key)
            except (ValueError, RecursionError):
                parsed = None
            if isinstance(parsed, dict):
                return parsed
        if len(self.names) != 1:
            return None
        try:
            return {self.names[0]: key.decode()}
        except UnicodeDecodeError:
            return None

    def readable(self, key: bytes) -> bool:
        """Whether the key can be shown as columns."""
        return self.fields(key) is not None

    def json(self, key: bytes) -> bytes:
        """A readable key as one line of JSON, its numbers as they were written."""
        if key[:1] == b"{" and self._is_json(key):
            return one_line(key)
        return _encode(self.fields(key))

    @staticmethod
    def _is_json(key: bytes) -> bool:
        try:
            _decode(key)
        except (ValueError, RecursionError):
            return False
        return True

    def learn(self, key: bytes) -> None:
        """A row with this key appeared."""
        if (usual := self._usual(self.fields(key) or {})) not in (None, key):
            self._others[usual] = key

    def forget(self, key: bytes) -> None:
        """The row with this key is gone."""
        if not self._others:
            return
        usual = self._usual(self.fields(key) or {})
        if usual is not None and self._others.get(usual) == key:
            del self._others[usual]

    def find(self, text: str) -> bytes | None:
        """The key bytes for ``value,value`` (key columns in order, each URL-encoded); whether a row has it is open.

        Raises ValueError, with a sentence, for a text that cannot be a key of this table.
        """
        parts = text.split(",") if len(self.names) > 1 else [text]
        if len(parts) != len(self.names):
            raise ValueError(
                f"the key has the {len(self.names)} columns {', '.join(self.names)}, not {len(parts)}"
            )
        fields = {}
        for column, part in zip(self._columns, parts, strict=True):
            fields[column.name] = plain = unquote(part)
            if column.word not in ("STRING", "VARCHAR", "CHAR"):
                fields[column.name] = _json_form(column, plain)
        usual = self._usual(fields)
        return None if usual is None else self._others.get(usual, usual)

    def _usual(self, fields: dict[str, Any]) -> bytes | None:
        """The key as this process would write it: typed by column, in the key's order, compact."""
        usual = {}
        for column in self._columns:
            if column.name not in fields:
                return None
            usual[column.name] = _typed(column, fields[column.name])
        return _encode(usual)


def _typed(column: TableColumn, value: Any) -> Any:
    """One form for numbers that writers may write in several."""
    if column.word in ("FLOAT", "DOUBLE") and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if column.word == "DECIMAL" and (exact := column.read(value)) is not None:
        return format(exact.normalize(), "f")
    return value


def _json_form(column: TableColumn, text: str) -> Any:
    parsed = column.parse(text) if column.comparable else text
    return parsed if isinstance(parsed, bool | int | float) else text


def one_line(value: bytes) -> bytes:
    """Valid JSON on one line. A line break in valid JSON stands between tokens, never within a string."""
    if b"\n" in value or b"\r" in value:
        return value.replace(b"\n", b" ").replace(b"\r", b" ")
    return value
