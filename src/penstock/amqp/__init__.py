"""An AMQP 0-9-1 client, thin: for tasks, queue commands and dead letters; against penstock or RabbitMQ."""

from penstock.amqp.channel import Channel, Got
from penstock.amqp.connection import Connection, connect
from penstock.amqp.errors import AmqpError
from penstock.amqp.url import Url, url_of

__all__ = ["AmqpError", "Channel", "Connection", "Got", "Url", "connect", "url_of"]
