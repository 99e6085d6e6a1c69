"""A message as a record of a topic, and a record as a message: bodies are values, headers are headers.

What AMQP has beside that stands in three headers of the record, so that it comes back exactly. Knows no disk.
"""

import json

from penstock.content import NO_PROPERTIES, Content, Field, Properties
from penstock.record import Record

EXCHANGE, ROUTING_KEY, PROPERTIES = "amqp.exchange", "amqp.routing_key", "amqp.properties"
RECORD_KEY = "x-penstock-key"
"""The header that a record's key becomes."""


def record_of(content: Content, wall_ms: int, key: bytes | None = None) -> Record:
    """The record; its headers are the message's, as text, and then those of AMQP's own."""
    headers = [(name, _text(value)) for name, value in (content.properties.headers or {}).items()]
    headers += [
        (EXCHANGE, content.exchange.encode("utf-8", "surrogateescape")),
        (ROUTING_KEY, content.routing_key.encode("utf-8", "surrogateescape")),
        (PROPERTIES, content.properties.raw),
    ]
    return Record(key, content.body, wall_ms, tuple(headers))


def content_of(record: Record, queue: str) -> Content:
    """The message: as it was published by AMQP, or made of a record that another client wrote."""
    headers = dict(record.headers)
    raw = headers.get(PROPERTIES)
    if raw is not None:
        try:
            properties = Properties.of(bytes(raw))
        except ValueError:
            raw = None
    if raw is None:
        properties = _made(record)
    exchange, key = headers.get(EXCHANGE), headers.get(ROUTING_KEY)
    source = "" if exchange is None else bytes(exchange).decode("utf-8", "surrogateescape")
    routing_key = queue if key is None else bytes(key).decode("utf-8", "surrogateescape")
    return Content(source, routing_key, properties, bytes(record.value or b""))


def _made(record: Record) -> Properties:
    table: dict[str, Field] = {
        name: _value(value) for name, value in record.headers if len(name.encode()) <= 255
    }
    if record.key is not None:
        table[RECORD_KEY] = _value(record.key)
    seconds = max(0, record.timestamp_ms) // 1000
    try:
        return Properties.made(headers=table or None, timestamp=seconds, delivery_mode=2)
    except ValueError:
        return NO_PROPERTIES


def _value(data: bytes | None) -> Field:
    if data is None:
        return None
    try:
        return bytes(data).decode()
    except UnicodeDecodeError:
        return bytes(data)


def _text(value: Field) -> bytes | None:
    if value is None:
        return None
    if isinstance(value, bytes):
        return bytes(value)
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape")
    return json.dumps(value, default=str).encode()
