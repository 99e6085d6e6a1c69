"""A message comes into queues: its way is found, its expiry reckoned, limits that refuse are asked.

Nothing waits here: the ledger gathers, the queues' columns grow, and the end of the turn moves what can be moved.
"""

from collections.abc import Mapping, Sequence

from penstock.broker.queues.declared.vhost import Vhost
from penstock.broker.queues.exchanges.exchange import Exchange
from penstock.broker.queues.exchanges.routes import NO_HEADERS, Route
from penstock.broker.queues.moving.hand_out import bring_up
from penstock.broker.queues.moving.turn import Turn
from penstock.broker.queues.queue.arguments import type_of
from penstock.broker.queues.queue.queue import Queue
from penstock.clock import Now
from penstock.content import Content, Field

_HEADERS_BIT = 0x20
"""Of the properties' first byte of flags."""
DELAY_MS_MAX = 0xFFFFFFFF


def route_of(vhost: Vhost, exchange: Exchange, content: Content) -> tuple[Route, Content]:
    """Where a message goes, by its routing key and those in its headers CC and BCC; the message without BCC.

    Raises ValueError for headers that are not as they must be, in RabbitMQ's words.
    """
    raw = content.properties.raw
    if not raw[0] & _HEADERS_BIT:
        known = vhost.routes.known.get((exchange.name, content.routing_key))
        return known or vhost.routes.find(exchange, (content.routing_key,), NO_HEADERS), content
    headers = content.properties.headers or NO_HEADERS
    keys = (content.routing_key, *_further_keys(headers, "CC"), *_further_keys(headers, "BCC"))
    if "BCC" in headers:
        rest = {name: value for name, value in headers.items() if name != "BCC"}
        content = content._replace(properties=content.properties.replaced(headers=rest))
    if len(keys) == 1:
        known = vhost.routes.known.get((exchange.name, keys[0]))
        if known is not None:
            return known, content
    return vhost.routes.find(exchange, keys, headers), content


def _further_keys(headers: Mapping[str, Field], name: str) -> list[str]:
    further = headers.get(name)
    if further is None:
        return []
    if not isinstance(further, Sequence) or isinstance(further, str | bytes):
        raise ValueError(f'invalid message: {{unacceptable_type_in_header,"{name}",{type_of(further)}}}')
    return [key for key in further if isinstance(key, str)]


def enter(turn: Turn, route: Route, content: Content, now: Now) -> bool:
    """Put the message into the route's queues; False where a full queue refuses it."""
    expiration_ms = content.properties.expiration_ms
    keep = route.kept and (route.quorum or content.properties.durable)
    if route.plain and expiration_ms is None:
        priority = content.properties.priority
        number = turn.ledger.add(content, route.ids, 0, priority, keep)
        size = len(content.body)
        for queue in route.queues:
            queue.ready.put(number, size, 0, priority)
            queue.published += 1
            if queue.turns.all:
                turn.stirred[queue] = None
        return True
    return _enter_with_care(turn, route, content, keep, now)


def goes_by_key(content: Content) -> bool:
    """Whether nothing that the message says of itself, but its priority, matters to the queues it enters."""
    properties = content.properties
    return not properties.raw[0] & _HEADERS_BIT and properties.expiration_ms is None


def enter_alike(turn: Turn, route: Route, contents: Sequence[Content]) -> None:
    """Put messages that go by their key, with the same properties, into the queues of a plain route."""
    properties = contents[0].properties
    priority, keep = properties.priority, route.kept and (route.quorum or properties.durable)
    sizes = [len(content.body) for content in contents]
    first = turn.ledger.add_alike(contents, sum(sizes), route.ids, priority, keep)
    for queue in route.queues:
        queue.ready.put_alike(first, sizes, priority)
        queue.published += len(sizes)
        if queue.turns.all:
            turn.stirred[queue] = None


def _enter_with_care(turn: Turn, route: Route, content: Content, keep: bool, now: Now) -> bool:
    """As `enter`, for queues with limits and messages that expire."""
    for exchange in route.bridges:
        turn.appends.add(exchange.topic, content, True, now)
    for stream in (queue for queue in route.queues if queue.is_stream):
        turn.appends.add(stream.topic, content, False, now)
        stream.published += 1
    wanting = [queue for queue in route.queues if not queue.is_stream]
    taking = [queue for queue in wanting if not _refuses(turn, queue, content, now)]
    by_expiry: dict[int, list[Queue]] = {}
    for queue in taking:
        by_expiry.setdefault(expires_ms(queue, content, now), []).append(queue)
    priority, size = content.properties.priority, len(content.body)
    for expiry, alike in by_expiry.items():
        number = turn.ledger.add(content, [queue.id for queue in alike], expiry, priority, keep)
        for queue in alike:
            queue.ready.put(number, size, expiry, priority)
            queue.published += 1
            turn.stirred[queue] = None
            if 0 < expiry <= now.wall_ms and queue.turns.all:
                bring_up(turn, queue, now, hand_out_first=True)
    return len(taking) == len(wanting)


def _refuses(turn: Turn, queue: Queue, content: Content, now: Now) -> bool:
    if not queue.asked.rejects or not queue.over(1, len(content.body)):
        return False
    bring_up(turn, queue, now)
    if not queue.over(1, len(content.body)) or queue.limit_waits():
        return False
    if queue.asked.overflow == "reject-publish-dlx":
        turn.dead.add_fresh(queue, "maxlen", content)
    return True


def would_refuse(turn: Turn, planned: Mapping[Queue, tuple[int, int]], now: Now) -> Queue | None:
    """A queue that might refuse some of what is planned for it (messages, and their bytes), None where each has room."""
    for queue, (count, size) in planned.items():
        if queue.asked.rejects and queue.over(count, size):
            bring_up(turn, queue, now)
            if queue.over(count, size):
                return queue
    return None


def expires_ms(queue: Queue, content: Content, now: Now) -> int:
    """When the message expires in this queue, 0 for never: after its own time or the queue's, whichever is shorter."""
    own, its = content.properties.expiration_ms, queue.asked.ttl_ms
    if own is None and its is None:
        return 0
    return now.wall_ms + min(one for one in (own, its) if one is not None)


def delay_of(content: Content) -> int:
    """How long the message asks to be parked, in milliseconds."""
    if not content.properties.raw[0] & _HEADERS_BIT:
        return 0
    delay = (content.properties.headers or NO_HEADERS).get("x-delay")
    return min(delay, DELAY_MS_MAX) if isinstance(delay, int) and not isinstance(delay, bool) else 0
