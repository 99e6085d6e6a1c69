"""What one AMQP client may ask of us: the bounds of channels, frames, messages and patience."""

from dataclasses import dataclass


@dataclass(frozen=True)
class AmqpOptions:
    """What one AMQP client may ask of us."""

    cluster_name: str = "penstock"
    """What the server calls itself (RabbitMQ's cluster_name): the id of its cluster in Kafka's words."""
    channels_max: int = 2047
    """Channels open at once on a connection (RabbitMQ's channel_max)."""
    frame_bytes_max: int = 131072
    """The largest frame (RabbitMQ's frame_max); a client may ask for smaller ones, from 4096 on."""
    heartbeat_s: int = 60
    """Seconds of silence that the server suggests as a sign of death; the client decides."""
    message_bytes_max: int = 134217728
    """The largest message's body (RabbitMQ's max_message_size); a larger one closes the channel."""
    handshake_s: float = 10.0
    """Seconds until a connection must be open (RabbitMQ's handshake_timeout)."""
    closing_s: float = 30.0
    """Seconds that a client has to agree to the end of the connection."""
    turn_bytes_max: int = 256 * 1024
    """Bytes of answers after which nothing begins before they are written."""
    held_bytes_max: int = 64 * 1024
    """Bytes that a client may send ahead while its login is looked at."""
