"""The class penstock: what there is, and virtual hosts; our own, for `penstock queue` and the console."""

import base64
import json
from dataclasses import replace
from typing import Any, Final

from penstock.calls import Call
from penstock.calls.queues import (
    BindingInfo,
    ConsumerInfo,
    DeclareVhost,
    DeleteVhost,
    DescribeBindings,
    DescribeConsumers,
    DescribeExchanges,
    DescribeQueues,
    DescribeVhosts,
    ExchangeInfo,
    Page,
    QueueInfo,
)
from penstock.content import NO_PROPERTIES, Content
from penstock.wire.amqp.channels.channel import Channel
from penstock.wire.amqp.methods import KEYS, Values, frame
from penstock.wire.amqp.refusals import AmqpError
from penstock.wire.amqp.registry import Steps, answers

ASKING: Final[dict[str, type[Call]]] = {
    "queues": DescribeQueues, "exchanges": DescribeExchanges, "bindings": DescribeBindings,
    "consumers": DescribeConsumers, "vhosts": DescribeVhosts,
}  # fmt: skip
INFOS: Final = (QueueInfo, ExchangeInfo, BindingInfo, ConsumerInfo)
_SIMPLE: Final = (str, int, bool)


@answers("penstock.describe")
def describe(channel: Channel, values: Values) -> Steps:
    """A JSON list as a content: an answer may be larger than a frame."""
    asked = ASKING.get(values["what"])
    if asked is None:
        words = f"there is nothing called '{values['what']}' to describe: {', '.join(ASKING)}"
        raise AmqpError("PRECONDITION_FAILED", words, KEYS["penstock.describe"])
    call: Call | None = asked(channel.principal)
    texts: list[str] = []
    while call is not None:
        page: Page = yield call
        if page.found:
            rows = [_plain(one) for one in page.found]
            texts.append(json.dumps(rows, separators=(",", ":"), allow_nan=False)[1:-1])
        call = None if page.rest is None else replace(call, rest=page.rest)  # type: ignore[call-arg]  # it had one
    body = f"[{','.join(texts)}]"
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
    if isinstance(value, INFOS):
        found = [(name, getattr(value, name)) for name in value.__slots__]
        return {name: each if type(each) in _SIMPLE else _plain(each) for name, each in found}
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if value is None or isinstance(value, bool | int | str):
        return value
    return value if isinstance(value, float) and value - value == 0 else str(value)
