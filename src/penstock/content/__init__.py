"""A message as AMQP 0-9-1 carries it: where it was published to, its properties' own bytes, and its body.

Knows field tables and basic properties as bytes; knows no frames, no exchange and no queue.
"""

from typing import NamedTuple

from penstock.content.fields import (
    Field,
    LongText,
    Scaled,
    Signed64,
    Timestamp,
    decode_table,
    encode_table,
    table_at,
)
from penstock.content.properties import NO_PROPERTIES, Properties

__all__ = [
    "NO_PROPERTIES", "Content", "Field", "LongText", "Properties", "Scaled", "Signed64", "Timestamp",
    "decode_table", "encode_table", "table_at",
]  # fmt: skip


class Content(NamedTuple):
    """One message."""

    exchange: str
    routing_key: str
    properties: Properties
    body: bytes
