"""What places of dead letters are called: a topic by its name; a queue, as no topic can be called, ``queue:NAME``.

A queue in another virtual host than is meant anyway is ``queue@VHOST:NAME``, its host's name as in an URL: ``queue@a%2Fb:dlq``.
Knows names alone.
"""

from urllib.parse import quote, unquote

from penstock.broker.queues.names import DEFAULT_VHOST

_QUEUE, _ELSEWHERE = "queue:", "queue@"


def place_of_queue(vhost: str, queue: str) -> str:
    """A queue's place."""
    return f"{_QUEUE}{queue}" if vhost == DEFAULT_VHOST else f"{_ELSEWHERE}{quote(vhost, safe='')}:{queue}"


def place_of_vhost(vhost: str) -> str:
    """All queues of a virtual host together, in the audit: no place of letters."""
    return f"vhost:{vhost}"


def is_queue(place: str) -> bool:
    """Whether the place is a queue, not a topic."""
    return place.startswith((_QUEUE, _ELSEWHERE))


def queue_of(place: str, vhost: str = DEFAULT_VHOST) -> tuple[str, str]:
    """A queue's virtual host, `vhost` where the place does not say, and its name."""
    before, _, queue = place.partition(":")
    _, elsewhere, named = before.partition("@")
    return unquote(named) if elsewhere else vhost, queue
