"""Why a channel or a connection ends, in RabbitMQ's codes and words.

A `Refused` of the broker becomes the code that RabbitMQ gives for that reason; its `detail` is RabbitMQ's sentence.
Knows no bytes.
"""

from collections.abc import Mapping
from typing import Final

from penstock.errors import Refusal, Refused

CODES: Final[Mapping[str, int]] = {
    "CONTENT_TOO_LARGE": 311, "NO_ROUTE": 312, "CONNECTION_FORCED": 320, "ACCESS_REFUSED": 403, "NOT_FOUND": 404,
    "RESOURCE_LOCKED": 405, "PRECONDITION_FAILED": 406, "FRAME_ERROR": 501, "SYNTAX_ERROR": 502,
    "COMMAND_INVALID": 503, "CHANNEL_ERROR": 504, "UNEXPECTED_FRAME": 505, "RESOURCE_ERROR": 506,
    "NOT_ALLOWED": 530, "NOT_IMPLEMENTED": 540, "INTERNAL_ERROR": 541,
}  # fmt: skip
SOFT: Final = frozenset((311, 312, 403, 404, 405, 406))
"""The codes that end a channel; all others end the connection."""

REFUSALS: Final[Mapping[Refusal, str]] = {
    Refusal.NO_EXCHANGE: "NOT_FOUND",
    Refusal.NO_QUEUE: "NOT_FOUND",
    Refusal.PRECONDITION: "PRECONDITION_FAILED",
    Refusal.LOCKED: "RESOURCE_LOCKED",
    Refusal.IN_USE: "ACCESS_REFUSED",
    Refusal.EXCHANGE_NOT_ALLOWED: "ACCESS_REFUSED",
    Refusal.QUEUE_NOT_ALLOWED: "ACCESS_REFUSED",
    Refusal.NOT_ALLOWED: "ACCESS_REFUSED",
    Refusal.NO_EXCHANGE_KIND: "COMMAND_INVALID",
    Refusal.NO_VHOST: "NOT_ALLOWED",
    Refusal.VHOST_NOT_ALLOWED: "NOT_ALLOWED",
    Refusal.CONSUMER_TAG_TAKEN: "NOT_ALLOWED",
    Refusal.TOO_MANY_CONSUMERS: "NOT_ALLOWED",
    Refusal.NO_TOPIC: "NOT_FOUND",
    Refusal.TOPIC_EXISTS: "PRECONDITION_FAILED",
    Refusal.BAD_TOPIC_NAME: "PRECONDITION_FAILED",
    Refusal.BAD_CONFIG: "PRECONDITION_FAILED",
    Refusal.BAD_REQUEST: "PRECONDITION_FAILED",
    Refusal.TOO_LARGE: "PRECONDITION_FAILED",
    Refusal.OVER_SEGMENT: "PRECONDITION_FAILED",
    Refusal.UNSUPPORTED: "NOT_IMPLEMENTED",
    Refusal.BUSY: "RESOURCE_ERROR",
    Refusal.DISK_FULL: "RESOURCE_ERROR",
    Refusal.SHUTTING_DOWN: "CONNECTION_FORCED",
}
"""Each reason's code; a reason that is none of these says that something of ours is wrong."""


class AmqpError(Exception):
    """A channel's or the connection's end. `key` is the method that brought it about, 0 where it was no method."""

    def __init__(self, name: str, text: str, key: int = 0) -> None:
        super().__init__(text)
        self.code = CODES[name]
        self.text = f"{name} - {text}" if text else name
        self.key = key

    @property
    def whole(self) -> bool:
        """Whether the connection ends, and not only a channel."""
        return self.code not in SOFT


class HangUpError(AmqpError):
    """The connection ends without a word, as RabbitMQ does while it is not open."""

    def __init__(self, text: str) -> None:
        super().__init__("CONNECTION_FORCED", text)


def refused_error(refused: Refused, key: int) -> AmqpError:
    """What the client is told of a refusal."""
    name = REFUSALS.get(refused.reason, "INTERNAL_ERROR")
    return AmqpError(name, refused.detail or refused.reason.value, key)


def not_implemented(text: str, key: int) -> AmqpError:
    """For what RabbitMQ does not offer either."""
    return AmqpError("NOT_IMPLEMENTED", text, key)


def unimplemented(key: int) -> AmqpError:
    """For methods that a client has no business to send."""
    return AmqpError("COMMAND_INVALID", "unimplemented method", key)
