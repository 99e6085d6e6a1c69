"""What every connector is made of. A source never waits; a sink says when what it took is safe.

Knows tables and the engine's outputs; knows no connector.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import polars as pl

from penstock.calls import Bytes
from penstock.client import Client
from penstock.clock import Now
from penstock.engine.job import Output
from penstock.engine.plan import Table
from penstock.errors import PenstockError


@dataclass(frozen=True, slots=True)
class Arrival:
    """What one partition of a source brought: whole Kafka record batches, or rows."""

    partition: int
    batches: Bytes = b""
    rows: pl.DataFrame | None = None
    first: int = -1
    """Where in the partition it begins, and before which position it ends."""
    end: int = -1


Spans = Mapping[int, tuple[int, int]]
"""By partition: from which position on, and before which."""


@dataclass(frozen=True)
class Site:
    """Where a connector works: its job, clients by address ("" is the worker's own), and whom to wake and tell."""

    job: str
    client: Callable[[str], Client]
    wake: Callable[[], None]
    say: Callable[[str], None]
    wait: Callable[[float], Awaitable[None]]
    deliver: Callable[[str, int, bytes], None] | None = None
    """Takes a topic's batch for the job's next commit; None where nobody commits."""


class Again(Protocol):
    """What a source has given before, to be taken once more, range by range in each partition's order."""

    async def open(self) -> None:
        """Begin; raises PenstockError where some of it cannot be given again."""

    async def take(self, partition: int, first: int, end: int, wall_ms: int) -> Arrival:
        """A range, as it was given at that time."""

    async def close(self) -> None:
        """Stop."""


class Source(Protocol):
    """A table that is read. `positions` say, after any `read`, what a restart has to go on from; `bounds`, before which
    positions a bounded one ends: those set before `open` stay."""

    positions: dict[int, int]
    bounds: dict[int, int]

    async def open(self, positions: Mapping[int, int] | None, now: Now) -> None:
        """Begin: at the positions of a restored state, or where the table's options say."""

    def read(self, now: Now) -> list[Arrival]:
        """What is there; nothing, perhaps. Never waits."""

    def next_s(self, now: Now) -> float | None:
        """In how many seconds `read` will have something without being woken; None: the site's `wake` tells."""

    @property
    def ended(self) -> bool:
        """Whether a bounded source has given all it has."""

    @property
    def lag(self) -> int:
        """How many records are known to wait beyond the positions."""

    @property
    def idle_after_s(self) -> float | None:
        """The table's own idle timeout; None where it has none."""

    def caught_up(self, partition: int) -> bool:
        """Whether all that is known of a partition was read."""

    def again(self, spans: Spans) -> Again:
        """Give all of `spans` once more; the source need not be open."""

    @property
    def offsets(self) -> tuple[str, dict[tuple[str, int], int]] | None:
        """A consumer group and its offsets, to be committed with the job's state; None for no group."""

    async def committed(self, positions: Mapping[int, int]) -> None:
        """These positions are safe: tell whoever shows lag, where the commit itself did not."""

    async def close(self) -> None:
        """Stop reading."""


class Sink(Protocol):
    """A table that is written, in `partitions` partitions once it is open."""

    partitions: int

    async def open(self) -> None:
        """Make sure that there is something to write to."""

    async def write(self, output: Output) -> None:
        """Take rows or batches; may return before they are safe."""

    async def flush(self) -> None:
        """Wait until all that was taken is safe; raises what went wrong with any of it."""


class Connector(Protocol):
    """A connector by its Flink name."""

    name: str

    def source(self, table: Table, site: Site) -> Source:
        """Read the table; raises PenstockError where the connector or the options do not allow it."""

    def sink(self, table: Table, site: Site) -> Sink:
        """Write the table; raises PenstockError where the connector or the options do not allow it."""


def number(table: Table, key: str, default: str) -> float:
    """A numeric option; raises PenstockError naming the key and the table."""
    text = table.options.get(key, default)
    try:
        return float(text)
    except ValueError:
        raise PenstockError(
            f"table {table.name}: '{key}' takes a number, not '{text}'", remedy=f"for example '{key}' = '10'"
        ) from None


def only(table: Table, what: str, remedy: str) -> PenstockError:
    """The error for a table used the wrong way round."""
    return PenstockError(
        f"table {table.name}: the {table.connector} connector can only be {what}", remedy=remedy
    )
