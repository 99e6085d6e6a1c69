"""One client: its virtual host, its channels, and the queues that it has alone."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from penstock.broker.queues.channels.channel import Channel
    from penstock.broker.queues.queue.queue import Queue
    from penstock.broker.queues.vhost import Vhost


class Client:
    """What `OpenClient` hands out. Only the broker looks into it."""

    __slots__ = ("channels", "closed", "name", "queues", "vhost")

    def __init__(self, vhost: "Vhost", name: str) -> None:
        self.vhost, self.name, self.closed = vhost, name, False
        self.channels: dict[Channel, None] = {}
        self.queues: dict[Queue, None] = {}
