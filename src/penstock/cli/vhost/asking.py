"""What the verbs share: the queues that are in each virtual host, and a penstock to speak to."""

from collections import Counter
from typing import Any

from penstock.amqp import Channel, Connection
from penstock.errors import PenstockError

COLUMNS = ("vhost", "queues", "messages")


async def channel_of(connection: Connection) -> Channel:
    """A channel of penstock's; raises PenstockError for a RabbitMQ."""
    if not connection.is_penstock:
        raise PenstockError("RabbitMQ keeps its virtual hosts to itself", remedy="rabbitmqctl list_vhosts")
    return await connection.channel()


async def vhosts(channel: Channel) -> list[dict[str, Any]]:
    """A row for each that the user may see."""
    queues: Counter[str] = Counter()
    messages: Counter[str] = Counter()
    for one in await channel.describe("queues"):
        queues[one["vhost"]] += 1
        messages[one["vhost"]] += one["messages"] + one["unacked"]
    return [
        {"vhost": name, "queues": queues[str(name)], "messages": messages[str(name)]}
        for name in await channel.describe("vhosts")
    ]
