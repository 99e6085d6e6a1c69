"""Names of queues' things: those that are the server's own, those it makes up, and how refusals and rules spell them."""

from base64 import urlsafe_b64encode
from collections.abc import Callable

DEFAULT_VHOST = "/"
RESERVED = "amq."
REPLY_TO = "amq.rabbitmq.reply-to"
"""The pseudo-queue by which one replies without a queue; with a dot and a token behind it, one channel's address."""


def plain(name: str) -> str:
    """RabbitMQ takes line ends out of names that clients give."""
    return name.replace("\r", "").replace("\n", "") if "\n" in name or "\r" in name else name


def made_up(prefix: str, randomness: Callable[[int], bytes]) -> str:
    """A name that nobody has."""
    return prefix + urlsafe_b64encode(randomness(16)).decode().rstrip("=")


def spelled(kind: str, name: str, vhost: str) -> str:
    """As RabbitMQ's texts name a thing."""
    return f"{kind} '{name}' in vhost '{vhost}'"


def topic_of(name: str, vhost: str) -> str:
    """The topic that a stream is: of its name in the default virtual host, else with the host's name and a dot before."""
    return name if vhost == DEFAULT_VHOST else f"{vhost}.{name}"


def denied(kind: str, resource: str, vhost: str, user: str) -> str:
    """RabbitMQ's words for somebody who may not do this to a thing that rules call `resource`."""
    name = resource if vhost == DEFAULT_VHOST else resource.removeprefix(f"{vhost}/")
    return f"access to {spelled(kind, name, vhost)} refused for user '{user}'"


def resource(name: str, vhost: str) -> str:
    """As access rules name it: the name alone in the default virtual host, below the virtual host's name elsewhere."""
    return name if vhost == DEFAULT_VHOST else f"{vhost}/{name}"
