"""The seed's example: the queue `orders`, whose dead letters go through the exchange `dlx` to the queue `dlq`; a producer, and
a consumer that wants numbers."""

import json
import threading
from typing import Any

import pika


class Orders:
    """A context manager: the consumer works in a thread of its own. `charged` is what it has processed."""

    def __init__(self, address: str) -> None:
        host, port = address.split(":")
        self._where = pika.ConnectionParameters(host, int(port))
        self._over = threading.Event()
        self._working = threading.Thread(target=self._work, daemon=True)
        self.charged: list[int] = []

    def __enter__(self) -> "Orders":
        self._connection = pika.BlockingConnection(self._where)
        self.channel: Any = self._connection.channel()
        self.channel.confirm_delivery()
        self.channel.exchange_declare("dlx", "direct", durable=True)
        rules = {"x-dead-letter-exchange": "dlx", "x-dead-letter-routing-key": "dlq"}
        self.channel.queue_declare("orders", durable=True, arguments=rules)
        self.channel.queue_declare("dlq", durable=True)
        self.channel.queue_bind("dlq", "dlx", "dlq")
        self._working.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._working.join(10)
        self._connection.close()

    def publish(self, *orders: Any) -> None:
        made = pika.BasicProperties(delivery_mode=2, content_type="application/json")
        for each in orders:
            self.channel.basic_publish("", "orders", json.dumps(each).encode(), made, mandatory=True)

    def left(self, queue: str) -> int:
        """How many messages are ready in a queue."""
        return int(self.channel.queue_declare(queue, passive=True).method.message_count)

    def _work(self) -> None:
        connection = pika.BlockingConnection(self._where)
        channel = connection.channel()
        for method, _, body in channel.consume("orders", inactivity_timeout=0.02):
            if method is not None:
                try:
                    self.charged.append(int(json.loads(body)["amount"]))
                    channel.basic_ack(method.delivery_tag)
                except ValueError:
                    channel.basic_reject(method.delivery_tag, requeue=False)
            if self._over.is_set():
                break
        connection.close()
