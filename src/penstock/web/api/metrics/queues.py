"""The queues' part of GET /metrics: each queue by itself, under the names that RabbitMQ has for them with ``detailed``.

The broker's own measures, without that word, are of all queues together. Labels are bounded: the first `QUEUES_MAX` by
virtual host and name, those that a client made for itself alone last, have samples of their own. Knows no request.
"""

from collections.abc import Iterator, Mapping

from penstock.web.follow.queues import Queue
from penstock.web.http.exposition import Family

QUEUES_MAX = 500

# Metric, its kind, what of a queue it is, what it means.
METRICS = (
    ("messages_ready", "gauge", "messages", "Messages ready to be delivered."),
    ("messages_unacked", "gauge", "unacked", "Messages that consumers hold and have not acknowledged."),
    ("message_bytes", "gauge", "bytes", "Bytes of the bodies of ready and unacknowledged messages."),
    ("consumers", "gauge", "consumers", "Consumers."),
    ("messages_published_total", "counter", "published", "Messages that went into a queue."),
    ("messages_delivered_total", "counter", "delivered", "Messages handed out, again ones too."),
    ("messages_acked_total", "counter", "acked", "Messages acknowledged."),
)


def queue_families(queues: Mapping[tuple[str, str], Queue]) -> Iterator[Family]:
    """All families of the queues that have samples, and how many have none."""
    order = sorted(queues.items(), key=lambda item: (item[1].info["exclusive"], item[0]))
    for metric, kind, held, meaning in METRICS:
        family = Family(f"penstock_detailed_queue_{metric}", kind, meaning)
        for (vhost, name), queue in order[:QUEUES_MAX]:
            family.add(queue.info[held], vhost=vhost, queue=name)
        yield family
    if not order:
        return
    left = Family("penstock_detailed_queues_left_out", "gauge", "Queues beyond the bound, without samples.")
    left.add(max(0, len(order) - QUEUES_MAX))
    yield left
