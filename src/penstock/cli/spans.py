"""What part of which topics is to be read: by partition where to begin and where to stop, and how far that is done.

Knows `consume`'s flags and the client's offsets; prints no record.
"""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, field

from penstock import record
from penstock.cli import moments
from penstock.cli.moments import Part
from penstock.cli.names import choose
from penstock.cli.output import note
from penstock.client import Chunk, Client
from penstock.errors import PenstockError
from penstock.record import Record


@dataclass
class Span:
    """What is to be read: by partition the offset reached so far, and the one to stop before (None: never).

    Records below `floor` are passed over; `left` is how many may still be printed (None: all).
    """

    reached: dict[Part, int]
    stops: Mapping[Part, int | None]
    floor: int = 0
    left: int | None = None
    first: int = field(init=False)
    total: int = field(init=False)

    def __post_init__(self) -> None:
        """Remember where it began: progress is measured from there."""
        known = [max(stop - self.reached[part], 0) for part, stop in self.stops.items() if stop is not None]
        self.total = sum(known) if len(known) == len(self.stops) else 0
        self.first = sum(self.reached.values())

    @property
    def over(self) -> bool:
        """Whether all is read."""
        if self.left == 0:
            return True
        return all(stop is not None and self.reached[part] >= stop for part, stop in self.stops.items())

    def take(self, chunk: Chunk) -> list[Record]:
        """The chunk's records inside of the span, at most as many as are left to be printed."""
        part = (chunk.topic, chunk.partition)
        begin, stop = max(self.reached[part], self.floor), self.stops[part]
        self.reached[part] = max(chunk.next_offset, self.reached[part])
        batches = memoryview(chunk.batches)
        return [
            found
            for info in record.scan(batches)
            if not info.control and info.last_offset >= begin
            for found in record.decode(batches[info.position : info.position + info.size])
            if found.offset >= begin and (stop is None or found.offset < stop)
        ]


async def span_of(client: Client, given: argparse.Namespace) -> Span:
    """Where to begin and to stop in each partition."""
    start = moments.moment(given.start, "--from")
    known = await client.metadata(None)
    names = choose(given.topic, known, given, "topic")
    parts = [(n, p) for n in names for p in range(known[n].partitions) if p in (given.partition or [p])]
    if not parts:
        raise PenstockError(
            f"no partition {given.partition[0]} in {', '.join(names)}", remedy="penstock topic describe"
        )
    edges = await moments.bounds(client, parts, committed=given.committed)
    begins = await moments.resolve(client, start, edges)
    if start.kind == "offset":
        for (topic, p), (first, _) in edges.items():
            if start.number < first:
                note(f"{topic}-{p} begins at {first}: what was before is deleted")
    if given.group:
        begins |= {p: o for p, o in (await client.committed(given.group, parts)).items() if p in begins}
    stops = await stops_of(client, given, edges)
    return Span(begins, stops, start.number if start.kind == "offset" else 0, given.count)


async def stops_of(
    client: Client, given: argparse.Namespace, edges: Mapping[Part, tuple[int, int]]
) -> Mapping[Part, int | None]:
    """Where to stop; with --follow an offset that is still to come is waited for."""
    if given.to is None:
        return {part: None if given.follow else last for part, (_, last) in edges.items()}
    place = moments.moment(given.to, "--to")
    if not given.follow:
        return dict(await moments.resolve(client, place, edges))
    if place.kind != "offset":
        raise PenstockError(
            f"--follow cannot wait for --to {given.to}", remedy="give an offset, or leave one out"
        )
    return dict.fromkeys(edges, place.number)
