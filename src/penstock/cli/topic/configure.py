"""Show topics' settings, change them, and add partitions.

penstock topic configure orders
penstock topic configure orders --set retention.ms=3600000 --delete cleanup.policy
penstock topic configure 'orders*' --partitions 12 --dry-run
"""

import argparse
import asyncio
from collections.abc import Mapping
from typing import Any

from penstock.calls import ConfigChange
from penstock.cli.connection import bootstrap_flag, with_client
from penstock.cli.names import choose, names_flags
from penstock.cli.several import Outcome, several
from penstock.cli.topic.create import pairs
from penstock.client import Client, TopicMeta
from penstock.errors import PenstockError

SOURCES = {1: "topic", 2: "server, now", 3: "all servers, now", 4: "server", 5: "default"}
"""Kafka's ConfigSource in words."""
DEFAULT = "(default)"
"""The server's own value, which is the server's to know."""
TRIES = 40
COLUMNS = ("topic", "config", "value", "source")
CHANGED = ("topic", "config", "before", "after", "state")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which topics, and what to change of them; without a change they are shown."""
    names_flags(parser, "topic")
    for how, what in (
        ("set", "give a setting a value"),
        ("append", "add to a list"),
        ("subtract", "take from a list"),
    ):
        parser.add_argument(
            f"--{how}", action="append", default=[], metavar="KEY=VALUE", help=f"{what}; repeatable"
        )
    parser.add_argument(
        "--delete",
        action="append",
        default=[],
        metavar="KEY",
        help="back to the server's default; repeatable",
    )
    parser.add_argument(
        "--partitions", type=int, metavar="N", help="have N partitions in all; there is no way back"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="ask the server whether it would, change nothing"
    )
    bootstrap_flag(parser)


def changes_of(given: argparse.Namespace) -> list[ConfigChange]:
    """What the flags ask for."""
    changes = [ConfigChange(key, None, "delete") for key in given.delete]
    for how in ("set", "append", "subtract"):
        changes += [ConfigChange(k, v, how) for k, v in pairs(getattr(given, how), f"--{how}").items()]
    names = [change.name for change in changes]
    if len(set(names)) < len(names):
        raise PenstockError("one setting is to be changed in two ways", remedy="name each setting once")
    return changes


async def settings_of(client: Client, name: str, *, defaults: bool) -> list[dict[str, Any]]:
    """A topic's settings as rows; without `defaults` those that were set for this topic."""
    return [
        {
            "config": entry.name,
            "value": "(hidden)" if entry.sensitive else entry.value,
            "source": SOURCES.get(entry.source, f"source {entry.source}"),
        }
        for entry in await client.topic_settings(name)
        if defaults or entry.source == 1
    ]


def plain(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The rows by the setting's name, for JSON."""
    return {row["config"]: {"value": row["value"], "source": row["source"]} for row in rows}


async def configure(client: Client, given: argparse.Namespace, changes: list[ConfigChange]) -> Outcome:
    """Show, or change one topic after the other."""
    known = await client.metadata(None)
    names = choose(given.topic, known, given, "topic")

    async def one(name: str) -> list[dict[str, Any]]:
        if changes or given.partitions is not None:
            return await change(client, known[name], changes, given)
        return [{"topic": name} | row for row in await settings_of(client, name, defaults=True)]

    return await several(names, "topics", one)


async def change(
    client: Client, meta: TopicMeta, changes: list[ConfigChange], given: argparse.Namespace
) -> list[dict[str, Any]]:
    """Change one topic; what was and what is, one row a setting."""
    state = "would change" if given.dry_run else "changed"
    before = await client.topic_configs(meta.name)
    if changes:
        await client.alter_topic(meta.name, changes, check_only=given.dry_run)
    foreseen = {each.name: _foreseen(each, before.get(each.name)) for each in changes}
    after = foreseen if given.dry_run else await changed(client, meta.name, foreseen)
    rows: list[dict[str, Any]] = [
        {"config": key, "before": before.get(key), "after": after.get(key)} for key in foreseen
    ]
    if given.partitions is not None:
        await client.add_partitions(meta.name, given.partitions, check_only=given.dry_run)
        rows.append({"config": "partitions", "before": meta.partitions, "after": given.partitions})
    return [{"topic": meta.name} | row | {"state": state} for row in rows]


async def changed(client: Client, name: str, foreseen: Mapping[str, str | None]) -> dict[str, str | None]:
    """The settings once they are as foreseen: Kafka's servers learn of a change a little after it was made."""
    for _ in range(TRIES):
        found = await client.topic_settings(name)
        after = {entry.name: entry.value for entry in found}
        seen = after | {entry.name: DEFAULT for entry in found if entry.source != 1}
        if all(seen.get(key, DEFAULT) == value or after.get(key) == value for key, value in foreseen.items()):
            break
        await asyncio.sleep(0.05)
    return after


def _foreseen(change: ConfigChange, before: str | None) -> str | None:
    """What the value would be; the server's default is the server's to know."""
    items = [item for item in (before or "").split(",") if item]
    if change.how == "append":
        return ",".join([*items, *(i for i in (change.value or "").split(",") if i not in items)])
    if change.how == "subtract":
        return ",".join(item for item in items if item not in (change.value or "").split(","))
    return change.value if change.how == "set" else DEFAULT


def run(given: argparse.Namespace) -> int:
    """Show or change."""
    changes = changes_of(given)
    outcome = with_client(given, lambda client: configure(client, given, changes))
    outcome.show(CHANGED if changes or given.partitions is not None else COLUMNS, given)
    return 0
