"""One consumer: what it reads, and how much of it it may hold unsettled."""

from typing import TYPE_CHECKING

from penstock.calls.queues import Arguments

if TYPE_CHECKING:
    from penstock.broker.queues.channels.channel import Channel
    from penstock.broker.queues.queue.queue import Queue

MANY = 4096
"""Messages in one lease, where nothing else bounds them."""


NUMBER = "x-penstock-number"
"""The argument of who consumes the one message of a number, and the header that says which number a copy has."""


class Consumer:
    """`able`: it stands in its queue's turns. `held`: messages that it has not settled. `by_number`: it takes one message
    to deal with it, which is no try of what the message asks for."""

    __slots__ = (
        "able",
        "arguments",
        "by_number",
        "channel",
        "exclusive",
        "held",
        "no_ack",
        "prefetch",
        "priority",
        "queue",
        "tag",
    )

    def __init__(
        self, channel: "Channel", queue: "Queue", tag: str, no_ack: bool, arguments: Arguments
    ) -> None:
        self.channel, self.queue, self.tag, self.no_ack = channel, queue, tag, no_ack
        self.arguments = dict(arguments)
        self.prefetch, self.held = 0 if no_ack else channel.prefetch, 0
        self.exclusive = self.able = False
        self.by_number = NUMBER in self.arguments
        priority = arguments.get("x-priority", 0)
        self.priority = priority if isinstance(priority, int) else 0

    def credit(self) -> int:
        """How many more it may hold."""
        if self.no_ack:
            return MANY
        most = MANY if not self.prefetch else self.prefetch - self.held
        whole = self.channel.prefetch_whole
        return most if not whole else min(most, whole - self.channel.held)

    def room(self) -> int:
        """How many it may be given now: its channel must have asked for a lease, and not be full of others' messages."""
        channel = self.channel
        return self.credit() if channel.room_bytes > 0 else 0
