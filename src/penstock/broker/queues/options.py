"""The queues' options: how much may be declared, and how long a topic keeps records for a queue that it feeds."""

from dataclasses import dataclass


@dataclass(frozen=True)
class QueueOptions:
    """What an owner may set."""

    queues_max: int = 100_000
    """Queues of all virtual hosts together above which none is declared."""

    vhost_queues_max: int = 50_000
    """The same of one virtual host (RabbitMQ's limit max-queues)."""

    exchanges_max: int = 50_000
    """Exchanges of all virtual hosts together above which none is declared."""

    vhost_exchanges_max: int = 25_000
    """The same of one virtual host."""

    bindings_max: int = 300_000
    """Bindings of all virtual hosts together above which none is made."""

    vhost_bindings_max: int = 150_000
    """The same of one virtual host."""

    definitions_bytes_max: int = 1024 * 1024 * 1024
    """Bytes that all queues, exchanges and bindings may hold in memory, with their names and arguments."""

    channel_consumers_max: int = 10_000
    """Consumers of one channel (RabbitMQ's consumer_max_per_channel)."""

    transactions_bytes_max: int = 256 * 1024 * 1024
    """Bytes of messages that wait in memory for the commits of all channels' transactions."""

    pin_age_max_s: int = 7 * 24 * 3600
    """How much longer than its retention.ms a topic keeps a record that a queue it feeds has not taken, in seconds, where
    the queue's argument x-penstock-pin-max-age does not say less."""

    pin_bytes_max: int = 1024 * 1024 * 1024
    """How many bytes of each partition above its retention.bytes a topic keeps for such a queue, where the queue's argument
    x-penstock-pin-max-bytes does not say less."""
