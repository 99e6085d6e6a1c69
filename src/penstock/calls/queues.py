"""Calls of the queues: exchanges, queues, bindings; publish, lease, settle. The words are AMQP 0-9-1's.

A client opens a `client` (its connection) and channels on it; both are handles that only the broker looks into, and
end with `CloseClient`: exclusive queues go, what was not settled returns to its queue.

What is declined is `Refused` with a reason of `errors.Refusal` and, in `detail`, RabbitMQ's words behind the code's name:
NO_EXCHANGE and NO_QUEUE are its NOT_FOUND; PRECONDITION is its PRECONDITION_FAILED; LOCKED its RESOURCE_LOCKED; IN_USE,
EXCHANGE_NOT_ALLOWED and QUEUE_NOT_ALLOWED its ACCESS_REFUSED; NO_EXCHANGE_KIND its COMMAND_INVALID; NO_VHOST,
VHOST_NOT_ALLOWED, CONSUMER_TAG_TAKEN and TOO_MANY_CONSUMERS its NOT_ALLOWED (they end the connection, as COMMAND_INVALID does).

Messages reach a consumer by leases. A channel has one `Lease` under way at any time; it is answered at the end of a
turn in which there is something for one of the channel's consumers, and asked again. What a consumer may hold
unsettled (`SetPrefetch`) bounds what it is given, so no queue stands between a queue and a socket.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple, TypeAlias

from penstock.calls.call import Call
from penstock.content import Content, Field

Arguments: TypeAlias = Mapping[str, Field]
NO_ARGUMENTS: Arguments = {}


class Mark(Enum):
    """What becomes of a message that a consumer held."""

    ACK = "done"
    REQUEUE = "back to its place in the queue"
    REJECT = "dead: to the dead-letter exchange, or gone"


class Settlement(NamedTuple):
    """One delivery tag, with all before it where `multiple`; tag 0 with `multiple` is all of the channel.

    Where not `multiple`, `run` tags one behind the other, the first is `tag`: each as if it were named by itself.
    """

    tag: int
    multiple: bool
    mark: Mark
    run: int = 1


class Delivery(NamedTuple):
    """One message for one consumer; `tag` counts the channel's deliveries from 1."""

    consumer: str
    tag: int
    redelivered: bool
    content: Content


class Publishing(NamedTuple):
    """One message to publish. `mandatory`: tell me if no queue wants it."""

    content: Content
    mandatory: bool


# --- connections and channels ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OpenClient(Call):
    """Enter a virtual host. Answer: a client handle, or Refused."""

    vhost: str = "/"
    name: str = ""


@dataclass(frozen=True, slots=True)
class CloseClient(Call):
    """The connection is over, however it ended. Answer: None."""

    client: object


@dataclass(frozen=True, slots=True)
class OpenChannel(Call):
    """Answer: a channel handle, or Refused."""

    client: object


@dataclass(frozen=True, slots=True)
class CloseChannel(Call):
    """Its consumers end, what it did not settle returns to its queues, an open transaction is rolled back. Answer: None."""

    channel: object


@dataclass(frozen=True, slots=True)
class ChannelCall(Call):
    """What every call on a channel carries."""

    channel: object


# --- exchanges, queues, bindings -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DeclareExchange(ChannelCall):
    """Make an exchange, or agree that it is as said; `passive`: only look. Answer: None."""

    name: str
    kind: str = "direct"
    passive: bool = False
    durable: bool = False
    auto_delete: bool = False
    internal: bool = False
    arguments: Arguments = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DeleteExchange(ChannelCall):
    """Answer: None."""

    name: str
    if_unused: bool = False


@dataclass(frozen=True, slots=True)
class BindExchange(ChannelCall):
    """Messages of `source` go on to the exchange `destination`. Answer: None."""

    destination: str
    source: str
    routing_key: str = ""
    arguments: Arguments = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UnbindExchange(BindExchange):
    """The same, undone. Answer: None."""


@dataclass(frozen=True, slots=True)
class DeclareQueue(ChannelCall):
    """Make a queue, or agree that it is as said; an empty name asks for one to be made up. Answer: `QueueDeclared`."""

    name: str
    passive: bool = False
    durable: bool = False
    exclusive: bool = False
    auto_delete: bool = False
    arguments: Arguments = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class QueueDeclared:
    """The queue stands: messages that are ready, and consumers."""

    name: str
    messages: int
    consumers: int


@dataclass(frozen=True, slots=True)
class BindQueue(ChannelCall):
    """Messages of `exchange` that fit go to `queue` (empty: the one the channel declared last). Answer: None."""

    queue: str
    exchange: str
    routing_key: str = ""
    arguments: Arguments = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UnbindQueue(BindQueue):
    """The same, undone. Answer: None."""


@dataclass(frozen=True, slots=True)
class PurgeQueue(ChannelCall):
    """Forget what is ready. Answer: how many messages, once that is safe."""

    queue: str


@dataclass(frozen=True, slots=True)
class DeleteQueue(ChannelCall):
    """Answer: how many ready messages went with it, once that is safe."""

    queue: str
    if_unused: bool = False
    if_empty: bool = False


# --- publishing -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Publish(ChannelCall):
    """Messages in order, all that came in one turn. Answer: `Sent`, at once. In a transaction they wait for its commit."""

    messages: Sequence[Publishing]


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a `Publish`.

    `returned`: places of mandatory messages that no queue wanted. `nacked`: places of those that a queue's limit, or
    a full disk, refused. `refused`: why the message after the first `count` ended the channel; those before it count.
    """

    count: int
    returned: Sequence[int] = ()
    nacked: Sequence[int] = ()
    refused: object = None


@dataclass(frozen=True, slots=True)
class AwaitSafe(ChannelCall):
    """Answer: None, once all that the channel has published so far is safe in its queues; or Refused (it is not)."""


# --- consuming ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SetPrefetch(ChannelCall):
    """How many unsettled messages a consumer made from now on may hold, or with `whole` all of the channel's; 0: any."""

    count: int
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Subscribe(ChannelCall):
    """A consumer. Answer: its tag (made up where `tag` is empty).

    Arguments of our own: `x-penstock-browse` true gives copies and leases nothing, ready ones first to last, then
    cancels; with `x-penstock-newest` N at most so many, those that came last. `x-penstock-number` N leases the one
    message of that number (or, browsing, copies it). That is no delivery: given back it is as it was.
    """

    queue: str
    tag: str = ""
    no_local: bool = False
    no_ack: bool = False
    exclusive: bool = False
    arguments: Arguments = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unsubscribe(ChannelCall):
    """The consumer gets nothing more; what it holds stays held. Answer: None, also where there is none of this tag."""

    tag: str


@dataclass(frozen=True, slots=True)
class Lease(ChannelCall):
    """Answer: `Leased`, when there is something; Refused when the channel has ended meanwhile."""

    bytes_max: int = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Leased:
    """Messages for the channel's consumers, in order, and the tags of consumers whose queue is gone."""

    deliveries: Sequence[Delivery] = ()
    cancelled: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Get(ChannelCall):
    """One message. Answer: `Got`, or None where none is ready."""

    queue: str
    no_ack: bool = False


@dataclass(frozen=True, slots=True)
class Got:
    """A message, and how many are still ready behind it."""

    delivery: Delivery
    remaining: int


@dataclass(frozen=True, slots=True)
class Settle(ChannelCall):
    """What became of deliveries, in order, all that came in one turn. Answer: None, or Refused for a tag that is not held."""

    settlements: Sequence[Settlement]


@dataclass(frozen=True, slots=True)
class Recover(ChannelCall):
    """Give all that the channel has not settled back to its queues. Answer: None."""


# --- transactions -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SelectTransaction(ChannelCall):
    """From now on publishes and settlements of the channel wait for a commit. Answer: None."""


@dataclass(frozen=True, slots=True)
class CommitTransaction(ChannelCall):
    """All of it, as one: a crash leaves all or nothing. Answer: `Committed`, once it is safe.

    PRECONDITION, and nothing is done, where it settles what was taken by its number, and not all of its messages are
    taken: a mandatory one that no queue wants, or one for which a queue has no room.
    """


@dataclass(frozen=True, slots=True)
class Committed:
    """`returned`: mandatory messages of the transaction that no queue wanted."""

    returned: Sequence[Publishing] = ()


@dataclass(frozen=True, slots=True)
class RollbackTransaction(ChannelCall):
    """Nothing of it. Answer: None."""


# --- virtual hosts --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DeclareVhost(Call):
    """Make a virtual host; harmless where it is there. Answer: None, once it is safe."""

    name: str


@dataclass(frozen=True, slots=True)
class DeleteVhost(Call):
    """It goes with all in it; `/` stays. Answer: None, once it is safe."""

    name: str


@dataclass(frozen=True, slots=True)
class DescribeVhosts(Call):
    """Answer: a `Page` of the names of those that the principal may see."""


# --- looking ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Page:
    """What is told in one turn, of what there may be very much. `rest` goes into the next call, if there is to be one."""

    found: Sequence[object]
    rest: object = None


@dataclass(frozen=True, slots=True)
class DescribeQueues(Call):
    """Answer: a `Page` of `QueueInfo`, one a queue that the principal may see; of all virtual hosts where `vhost` is None."""

    vhost: str | None = None
    rest: object = None


@dataclass(frozen=True, slots=True)
class QueueInfo:
    """One queue now. `messages` are ready, `unacked` are held by consumers; the totals are since it was made, or since the
    start. `exclusive`: one client has it alone; `worked`: it ever had a consumer, before the start, too."""

    vhost: str
    name: str
    kind: str
    durable: bool
    messages: int
    unacked: int
    bytes: int
    consumers: int
    published: int
    delivered: int
    acked: int
    arguments: Arguments = field(default_factory=dict)
    auto_delete: bool = False
    exclusive: bool = False
    worked: bool = False


@dataclass(frozen=True, slots=True)
class DescribeExchanges(Call):
    """Answer: a `Page` of `ExchangeInfo`, one an exchange that the principal may see, the built-in ones too."""

    vhost: str | None = None
    rest: object = None


@dataclass(frozen=True, slots=True)
class ExchangeInfo:
    """One exchange; the default one has no name."""

    vhost: str
    name: str
    kind: str
    durable: bool
    auto_delete: bool
    internal: bool
    arguments: Arguments = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DescribeBindings(Call):
    """Answer: a `Page` of `BindingInfo`, one a binding whose target the principal may see, that of each queue to the default
    exchange too."""

    vhost: str | None = None
    rest: object = None


@dataclass(frozen=True, slots=True)
class BindingInfo:
    """From `source`, an exchange, to `target`, of the kind queue or exchange."""

    vhost: str
    source: str
    target: str
    target_kind: str
    routing_key: str
    arguments: Arguments = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DescribeConsumers(Call):
    """Answer: a `Page` of `ConsumerInfo`, one a consumer of a queue that the principal may see."""

    vhost: str | None = None
    rest: object = None


@dataclass(frozen=True, slots=True)
class ConsumerInfo:
    """One consumer now. `client` is what its connection calls itself; `active`: it is given messages, where only one of a
    queue's is; `unacked`: messages that it holds."""

    vhost: str
    queue: str
    tag: str
    client: str
    acknowledges: bool
    exclusive: bool
    active: bool
    prefetch: int
    priority: int
    unacked: int
