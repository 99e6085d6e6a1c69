"""The place of dead letters that a path names (`penstock.dlq.naming`), and what one must be allowed to do there.

For a topic the words are Kafka's, asked here. For a queue they are RabbitMQ's: one must be let into the virtual host; what takes a
message, or a copy, reads the queue; what publishes writes to the default exchange, whichever queue it means. Who may not is told here at once; the
broker, which is asked as that user, holds to the same. Knows nothing of letters.
"""

from typing import Final
from urllib.parse import unquote

from starlette.requests import Request

from penstock.broker.queues.names import resource
from penstock.dlq.finding import source_of
from penstock.dlq.naming import is_queue, place_of_queue, queue_of
from penstock.dlq.source import Source
from penstock.web.api.site import acting, asking, topic_meta
from penstock.web.http.access import may, must
from penstock.web.http.answers import HttpError
from penstock.web.http.inputs import hidden, valid_topic

LOOK, EDIT, REDRIVE, PURGE, STOP = "look", "edit", "redrive", "purge", "stop"
TOPIC_NEEDS: Final = {LOOK: "read", EDIT: "write", REDRIVE: "read", PURGE: "delete", STOP: "write"}
PUBLISHING: Final = (EDIT, REDRIVE)
DEFAULT: Final = "amq.default"
"""How rules call the exchange that has no name."""
LOOK_MAX, QUEUE_LOOK_MAX = 20_000, 5_000
"""How many letters of a topic, and of a queue, are looked at: every one of a queue's is a message that is sent here."""
NAME_BYTES_MAX: Final = 255
"""The longest name of a queue (AMQP 0-9-1, 4.2.5.3)."""


def needs(name: str, doing: str) -> list[tuple[str, str, str]]:
    """Operation, kind and name of what one must be allowed to."""
    if not is_queue(name):
        return [(TOPIC_NEEDS[doing], "topic", name)]
    vhost, queue = queue_of(name)
    reading = [("describe", "vhost", vhost), ("read", "queue", resource(queue, vhost))]
    return [*reading, ("write", "exchange", resource(DEFAULT, vhost))] if doing in PUBLISHING else reading


def may_do(request: Request, name: str, doing: str) -> bool:
    """Whether who asks may do this there."""
    return all(may(request, *need) for need in needs(name, doing))


def must_do(request: Request, name: str, doing: str) -> None:
    """Raise HttpError (403) where who asks may not do this there."""
    for need in needs(name, doing):
        must(request, *need)


def name_of(request: Request) -> str:
    """The place's name; one that nothing can have is refused before anything is asked.

    A slash of a queue's name does not survive in a path: it is escaped twice (``%252F``).
    """
    name: str = request.path_params["source"]
    if not is_queue(name):
        return valid_topic(name, "path")
    vhost, queue = queue_of(name)
    return place_of_queue(valid_queue(vhost, "path"), valid_queue(unquote(queue), "path"))


def valid_queue(name: str, at: str) -> str:
    """The name, where AMQP allows it."""
    if not 0 < len(name.encode("utf-8", "replace")) <= NAME_BYTES_MAX:
        raise HttpError(
            400, f"a queue's name, and a virtual host's, has 1 to {NAME_BYTES_MAX} bytes", place=at
        )
    return name


def target(request: Request, name: str, to: str) -> None:
    """Raise HttpError where letters of this place may not be sent there."""
    if is_queue(name):
        valid_queue(to, "to")
        return
    valid_topic(to, "to")
    if hidden(to):
        raise HttpError(403, f"{to} is one of the system's own topics", place="to")
    must(request, "write", "topic", to)


async def place(request: Request, doing: str) -> Source:
    """The place in the path; raises HttpError where there is none, or who asks may not do this there."""
    name = name_of(request)
    must_do(request, name, doing)
    client = asking(request)
    if is_queue(name):
        return source_of(client, name, QUEUE_LOOK_MAX, acting(request))
    await topic_meta(client, name)
    return source_of(client, name, LOOK_MAX)
