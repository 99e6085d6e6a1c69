"""The class penstock: what there is, and virtual hosts; our own, for `penstock queue` and the console."""

import base64
import json
from dataclasses import fields, is_dataclass
from typing import Any, Final

from penstock.calls import Call
from penstock.calls.queues import (
    DeclareVhost,
    DeleteVhost,
    DescribeBindings,
    DescribeConsumers,
    DescribeExchanges,
    DescribeQueues,
    DescribeVhosts,
)
from penstock.content import NO_PROPERTIES, Content
from penstock.wire.amqp.channel import Channel
from penstock.wire.amqp.methods import KEYS, Values, frame
from penstock.wire.amqp.refusals import AmqpError
from penstock.wire.amqp.registry import Steps, answers

ASKING: Final[dict[str, type[Call]]] = {
    "queues": DescribeQueues, "exchanges": DescribeExchanges, "bindings": DescribeBindings,
    "consumers": DescribeConsumers, "vhosts": DescribeVhosts,
}  # fmt: skip


@answers("penstock.describe")
def describe(channel: Channel, values: Values) -> Steps:
    """A JSON list as a content: an answer may be larger than a frame."""
    asked = ASKING.get(values["what"])
    if asked is None:
        words = f"there is nothing called '{values['what']}' to describe: {', '.join(ASKING)}"
        raise AmqpError("PRECONDITION_FAILED", words, KEYS["penstock.describe"])
    found = yield asked(channel.principal)
    body = json.dumps([_plain(one) for one in found], separators=(",", ":"), allow_nan=False)
    method = frame(channel.number, "penstock.describe-ok")
    return channel.deliveries.content(method, Content("", "", NO_PROPERTIES, body.encode()))


@answers("penstock.declare-vhost")
def declare_vhost(channel: Channel, values: Values) -> Steps:
    """Harmless where it is there."""
    yield DeclareVhost(channel.principal, values["virtual_host"])
    return frame(channel.number, "penstock.declare-vhost-ok")


@answers("penstock.delete-vhost")
def delete_vhost(channel: Channel, values: Values) -> Steps:
    """With all that is in it."""
    yield DeleteVhost(channel.principal, values["virtual_host"])
    return frame(channel.number, "penstock.delete-vhost-ok")


def _plain(value: Any) -> Any:
    """What the broker says, and fields of tables in it, as JSON has them."""
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if value is None or isinstance(value, bool | int | str):
        return value
    return value if isinstance(value, float) and value - value == 0 else str(value)
