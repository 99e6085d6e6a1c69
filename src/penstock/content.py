"""A message as AMQP 0-9-1 carries it: where it was published to, its properties' own bytes, and its body.

Knows field tables and basic properties as bytes; knows no frames, no exchange and no queue.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias, Union

Field: TypeAlias = Union[bool, int, float, str, bytes, "Sequence[Field]", "Mapping[str, Field]", None]
"""A value in a field table."""


@dataclass(frozen=True, slots=True)
class Properties:
    """`raw` is the property flags and the property list, as in a content header frame."""

    raw: bytes


class Content(NamedTuple):
    """One message."""

    exchange: str
    routing_key: str
    properties: Properties
    body: bytes
