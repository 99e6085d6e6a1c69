"""Move a consumer group to another place in its topics. It must have no members while it is moved.

penstock group seek billing --to start --dry-run
penstock group seek billing --to 2026-11-22T11:00 --topic orders
penstock group seek billing --to 1200 --topic orders --partition 3
"""

import argparse

from penstock.cli import moments
from penstock.cli.connection import bootstrap_flag, with_client
from penstock.cli.group.standing import Standing, standings
from penstock.cli.moments import Moment, Part
from penstock.cli.names import unknown
from penstock.cli.output import show
from penstock.client import Client
from penstock.errors import PenstockError

COLUMNS = ("topic", "partition", "from", "to", "change", "state")


def arguments(parser: argparse.ArgumentParser) -> None:
    """The group, the place, and in which topics."""
    parser.add_argument("group", metavar="GROUP", help="one group; one that is not there yet is made")
    parser.add_argument("--to", required=True, metavar="PLACE", help=moments.HELP)
    parser.add_argument(
        "--topic", action="append", default=[], metavar="TOPIC",
        help="a topic to move in, also one the group has not read yet; repeatable (default: all it has read)",
    )  # fmt: skip
    parser.add_argument(
        "--partition",
        action="append",
        default=[],
        type=int,
        metavar="N",
        help="only this partition; repeatable",
    )
    parser.add_argument("--dry-run", action="store_true", help="print the plan, move nothing")
    bootstrap_flag(parser)


async def parts_of(client: Client, given: argparse.Namespace, found: Standing) -> list[Part]:
    """The partitions to move in; raises PenstockError where there are none."""
    topics = given.topic or sorted({topic for topic, _ in found.ends})
    if not topics:
        raise PenstockError(f"group {given.group} has read nothing yet", remedy="say where: --topic NAME")
    metas = await client.metadata(topics)
    for topic in topics:
        if metas[topic].error:
            raise unknown(topic, list(await client.metadata(None)), "topic")
    parts = [(topic, p) for topic in topics for p in range(metas[topic].partitions)]
    chosen = [(topic, p) for topic, p in parts if not given.partition or p in given.partition]
    if missing := sorted(set(given.partition) - {p for _, p in chosen}):
        raise PenstockError(
            f"no topic here has partition {missing[0]}", remedy="penstock topic describe NAME"
        )
    return chosen


async def seek(client: Client, given: argparse.Namespace, place: Moment) -> list[dict[str, object]]:
    """Plan, refuse while members hold the group, commit; the plan as rows."""
    (found,) = await standings(client, [given.group])
    if found.active:
        names = sorted({member.client_id for member in found.info.members})
        raise PenstockError(
            f"group {given.group} is {found.state} with {len(names) or 'new-protocol'} clients: {', '.join(names)}",
            remedy="stop them, wait until `penstock group list` says Empty, then seek again",
        )
    edges = await moments.bounds(client, await parts_of(client, given, found))
    target = await moments.resolve(client, place, edges)
    if not given.dry_run:
        await client.commit(given.group, target)
    return [
        {
            "topic": part[0],
            "partition": part[1],
            "from": before,
            "to": offset,
            "change": None if before is None else offset - before,
            "state": "would move" if given.dry_run else "moved",
        }
        for part, offset in sorted(target.items())
        for before in [found.committed.get(part)]
    ]


def run(given: argparse.Namespace) -> int:
    """Move, and show from where to where."""
    place = moments.moment(given.to, "--to")
    show(with_client(given, lambda client: seek(client, given, place)), COLUMNS, given)
    return 0
