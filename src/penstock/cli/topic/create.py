"""Create topics.

penstock topic create orders payments --partitions 6
penstock topic create latest --config cleanup.policy=compact --config retention.ms=-1
"""

import argparse

from penstock.cli.connection import bootstrap_flag, with_client
from penstock.cli.several import several
from penstock.client import Client
from penstock.errors import PenstockError

COLUMNS = ("topic", "partitions", "state")


def arguments(parser: argparse.ArgumentParser) -> None:
    """The names, and what the new topics are like."""
    parser.add_argument("topic", nargs="+", metavar="TOPIC", help="the new topics' names")
    parser.add_argument(
        "--partitions", type=int, default=1, metavar="N", help="partitions of each (default: 1)"
    )
    parser.add_argument(
        "--replicas",
        type=int,
        default=-1,
        metavar="N",
        help="copies of each partition (default: the server's)",
    )
    parser.add_argument(
        "--config",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a setting of the topics; repeatable",
    )
    parser.add_argument("--if-not-exists", action="store_true", help="leave a topic that is there as it is")
    parser.add_argument(
        "--dry-run", action="store_true", help="ask the server whether it would, create nothing"
    )
    bootstrap_flag(parser)


def pairs(words: list[str], flag: str) -> dict[str, str]:
    """``KEY=VALUE`` words as a mapping."""
    cut = [word.partition("=") for word in words]
    if any(not key or not sign for key, sign, _ in cut):
        raise PenstockError(f"{flag} takes KEY=VALUE", remedy=f"for example {flag} retention.ms=3600000")
    return {key: value for key, _, value in cut}


async def create(
    client: Client, given: argparse.Namespace, configs: dict[str, str], name: str
) -> list[dict[str, object]]:
    """Create one topic."""
    new = await client.create_topic(
        name, given.partitions, configs,
        exist_ok=given.if_not_exists, replicas=given.replicas, check_only=given.dry_run,
    )  # fmt: skip
    state = ("would be created" if given.dry_run else "created") if new else "is there"
    return [{"topic": name, "partitions": given.partitions if new else None, "state": state}]


def run(given: argparse.Namespace) -> int:
    """Create, and say what came of it."""
    configs = pairs(given.config, "--config")
    outcome = with_client(
        given,
        lambda client: several(given.topic, "topics", lambda name: create(client, given, configs, name)),
    )
    outcome.show(COLUMNS, given)
    return 0
