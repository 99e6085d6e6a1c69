"""What the topics beside a topic are called, and how they are made: one a wait, one for what is held back, dead letters.

    orders.retry.5s   orders.retry.1m   orders.retry.held   orders.dlq

Groups that read the same topic share these: each record says whose it is. Knows names and settings; asks no server.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from penstock.errors import PenstockError
from penstock.retries import Retry, short

NAME_MAX = 249
ROOM_BYTES = 64 * 1024
"""How much larger than a record its retry may be: it carries why it is one."""
WEEK_MS = 7 * 86_400_000


@dataclass(frozen=True)
class Names:
    """The topics beside `topic`. `tiers` has one for each wait; waits of the same length have topics of their own."""

    topic: str
    tiers: tuple[str, ...]
    held: str
    dead: str

    @property
    def all(self) -> tuple[str, ...]:
        """Those that are read, in their order."""
        return (self.topic, *self.tiers, *([self.held] if self.held else []))


def names_of(topic: str, retry: Retry | None, keep_order: bool) -> Names:
    """The names beside a topic; raises PenstockError where they are too long, or letters would go round."""
    if retry is None:
        return Names(topic, (), "", "")
    tiers: list[str] = []
    for wait_ms in retry.tiers:
        name = f"{topic}.retry.{short(wait_ms)}"
        tiers.append(name if name not in tiers else f"{name}-{tiers.count(name) + len(tiers)}")
    found = Names(
        topic,
        tuple(tiers),
        f"{topic}.retry.held" if keep_order and tiers else "",
        retry.dead_letter or f"{topic}.dlq",
    )
    if found.dead in found.all:
        raise PenstockError(
            f"dead letters in {found.dead} would be consumed again", remedy="another dead_letter"
        )
    for name in (*found.all, found.dead):
        if len(name) > NAME_MAX:
            raise PenstockError(f"the topic {name} would have a name that is too long")
    return found


def settings_of(retry: Retry, main: Mapping[str, str | None], *, dead: bool) -> dict[str, str]:
    """How a retry topic, or the topic of dead letters, is made: a record fits whatever it says beside itself.

    Retries outlast their waits by far, also where nobody consumes for a week; dead letters stay until they are purged.
    """
    limit = int(main.get("max.message.bytes") or 1_048_588)
    keep_ms = -1 if dead else WEEK_MS + 10 * sum(retry.waits_ms)
    return {"max.message.bytes": str(limit + ROOM_BYTES), "retention.ms": str(keep_ms)}
