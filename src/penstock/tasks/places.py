"""Where a task's messages go on a server: its queue, the way round for what is due later, results.

penstock parks a message that has the header x-delay. RabbitMQ has no delay: there the message waits in a queue of that
delay, whose messages expire into the task's queue (all wait equally long, so the first is always the first due).
Knows declarations; knows no task.
"""

from penstock.amqp import AmqpError, Channel, Connection
from penstock.amqp.errors import PRECONDITION
from penstock.content import Field, Properties
from penstock.errors import PenstockError

SPARE_MS = 60_000
"""How much longer than its messages a queue of RabbitMQ's for one delay lives."""


class Places:
    """One connection's: what was declared on it, and the channel that publishes."""

    def __init__(self, connection: Connection, channel: Channel) -> None:
        self._connection, self.channel = connection, channel
        self._declared: set[str] = set()

    @classmethod
    async def on(cls, connection: Connection) -> "Places":
        """Ready to publish, with confirms."""
        channel = await connection.channel()
        await channel.confirm()
        return cls(connection, channel)

    async def queue(self, name: str, arguments: dict[str, Field] | None = None) -> None:
        """A durable queue; one that stands with other arguments is taken as it is."""
        if name in self._declared:
            return
        trial = await self._connection.channel()  # a refusal ends its channel
        try:
            await trial.call("queue.declare", queue=name, durable=True, arguments=arguments or {})
        except AmqpError as error:
            if error.code != PRECONDITION:
                raise
        else:
            await trial.close()
        self._declared.add(name)

    async def put(self, queue: str, properties: Properties, body: bytes, delay_ms: int = 0) -> None:
        """Into a queue, now or later; when this returns it is safe. What was declared and is gone is declared anew."""
        headers = dict(properties.headers or {})
        headers.pop("x-delay", None)
        target = queue
        if delay_ms > 0 and self._connection.is_penstock:
            headers["x-delay"] = delay_ms
        elif delay_ms > 0:
            target = await self._slow(queue, _step(delay_ms))
        try:
            await self.channel.publish("", target, properties.replaced(headers=headers or None), body)
        except AmqpError:
            self._declared.discard(queue)
            raise

    async def _slow(self, queue: str, delay_ms: int) -> str:
        """RabbitMQ's queue for one delay, declared anew each time: that is what keeps it from expiring."""
        name = f"{queue}.delay.{delay_ms}"
        arguments: dict[str, Field] = {
            "x-message-ttl": delay_ms,
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": queue,
            "x-expires": delay_ms + SPARE_MS,
        }
        await self.channel.call("queue.declare", queue=name, durable=True, arguments=arguments)
        return name

    async def result(self, topic: str, key: str, properties: Properties, body: bytes) -> None:
        """A record of a topic, through penstock's exchange for it; raises PenstockError on a server without topics."""
        name = f"topic.{topic}"
        if name not in self._declared:
            if not self._connection.is_penstock:
                raise PenstockError(
                    "results are records, and RabbitMQ has no topics", remedy="leave result=… out"
                )
            trial = await self._connection.channel()
            arguments: dict[str, Field] = {"x-penstock-topic": topic}
            await trial.call(
                "exchange.declare", exchange=name, type="x-penstock-topic", durable=True, arguments=arguments
            )
            await trial.close()
            self._declared.add(name)
        await self.channel.publish(name, key, properties, body, mandatory=False)


def _step(delay_ms: int) -> int:
    """The delay, up to the next tenth of a second, from 10 s on the next second: not a queue for each millisecond."""
    step = 1000 if delay_ms > 10_000 else 100
    return -(-delay_ms // step) * step
