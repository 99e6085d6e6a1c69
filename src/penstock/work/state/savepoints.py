"""Savepoints: a job's state under a name, to start from later: the same job, or another of the same query.

Each is a topic, `_penstock.savepoint.<name>`; deleting the topic deletes it. Knows the topic; knows no engine.
"""

from penstock.client import Client
from penstock.clock import Now
from penstock.errors import PenstockError
from penstock.work.state.fold import Kept
from penstock.work.state.topic import SAVEPOINTS, Saved, StateTopic


def place(client: Client, name: str, bytes_max: int) -> StateTopic:
    """Where a savepoint is."""
    return StateTopic(client, name, bytes_max, SAVEPOINTS)


async def save(client: Client, name: str, saved: Saved, bytes_max: int, now: Now) -> None:
    """Write a savepoint; one of the same name is void then."""
    topic = place(client, name, bytes_max)
    await topic.open()
    await topic.write(0, saved, now)


async def load(client: Client, name: str, bytes_max: int) -> Kept:
    """A savepoint. Raises PenstockError where there is none."""
    topic = place(client, name, bytes_max)
    missing = (await client.metadata([topic.topic]))[topic.topic].error
    found = None if missing else await topic.read()
    if found is None or found.blocks is None:
        raise PenstockError(
            f"there is no savepoint {name}",
            remedy=f"its topic would be {topic.topic}: penstock topic list --internal shows those that are there",
        )
    return found
