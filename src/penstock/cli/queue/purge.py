"""Drop all messages that are ready in queues, after saying how many and asking; here or on RabbitMQ.

penstock queue purge emails
penstock queue purge 'test-*' --yes
"""

import argparse

from penstock.amqp import Channel
from penstock.cli.queue.destroying import destroy, destroying_flags


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which queues."""
    destroying_flags(parser, "purged")


async def purge(channel: Channel, name: str) -> int:
    """What consumers hold stays theirs."""
    said = await channel.call("queue.purge", queue=name)
    return int(said["message_count"])


def run(given: argparse.Namespace) -> int:
    """Show what goes, ask, purge."""
    return destroy(given, "Purge", "purged", purge)
