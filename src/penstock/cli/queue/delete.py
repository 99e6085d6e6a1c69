"""Delete queues and all messages in them, after saying what goes and asking; here or on RabbitMQ.

penstock queue delete emails
penstock queue delete 'test-*' --if-unused --dry-run
"""

import argparse

from penstock.amqp import Channel
from penstock.cli.queue.destroying import destroy, destroying_flags


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which queues, and on what condition."""
    destroying_flags(parser, "deleted")
    parser.add_argument("--if-unused", action="store_true", help="only where nobody consumes from it")
    parser.add_argument("--if-empty", action="store_true", help="only where no message is ready in it")


def run(given: argparse.Namespace) -> int:
    """Show what goes, ask, delete."""

    async def delete(channel: Channel, name: str) -> int:
        said = await channel.call(
            "queue.delete", queue=name, if_unused=given.if_unused, if_empty=given.if_empty
        )
        return int(said["message_count"])

    return destroy(given, "Delete", "deleted", delete)
