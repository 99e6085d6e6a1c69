"""An asyncio Kafka client that moves whole record batches: the same for penstock and for any Kafka."""

from penstock.client.client import Client
from penstock.client.cluster import ClientOptions, TopicMeta
from penstock.client.errors import ConnectionLostError, FencedError, KafkaError
from penstock.client.reader import Chunk, Reader, ReaderOptions
from penstock.client.writing.transactions import Transactions

__all__ = [
    "Chunk",
    "Client",
    "ClientOptions",
    "ConnectionLostError",
    "FencedError",
    "KafkaError",
    "Reader",
    "ReaderOptions",
    "TopicMeta",
    "Transactions",
]
