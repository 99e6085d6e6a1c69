"""A job's state and input positions in `_penstock.state.<job>`: written whole, found again from the topic's end.

A commit is one record batch, or several where it is larger than a batch may be; its last record, the mark, tells how
the pieces go together and is what makes the commit count. Every record names the mark before it, so that a start
reads the last batch, jumps back over a torn commit at most, and reads nothing else.

The topic keeps the newest commits by size (`retention.bytes`), not by age, since a job without input writes none; a
commit is bounded to a quarter of that, so the last whole one always stays. Knows nothing of what the blocks mean.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from penstock import record
from penstock.calls import EARLIEST, Bytes
from penstock.client import Client
from penstock.clock import Now
from penstock.compression import LZ4
from penstock.errors import PenstockError
from penstock.record import Record

FORMAT = 1
PIECE_BYTES = 700_000  # below max.message.bytes (1 MiB) even where nothing compresses
Positions = Mapping[str, Mapping[int, int]]


@dataclass(frozen=True)
class Commit:
    """What was kept: `positions` by input (its index as text) and partition; `blocks` as the engine gave them."""

    fingerprint: str
    positions: dict[str, dict[int, int]]
    blocks: list[bytes]
    at_ms: int


class StateTopic:
    """The state topic of one job."""

    def __init__(self, client: Client, job: str, bytes_max: int) -> None:
        self.topic = f"_penstock.state.{job}"
        self._client, self._bytes_max = client, bytes_max
        self._last_mark = -1

    async def open(self) -> None:
        """Make the topic where it is missing."""
        configs = {
            "cleanup.policy": "delete",
            "retention.ms": "-1",
            "retention.bytes": str(4 * self._bytes_max),
            "segment.bytes": str(max(1024 * 1024, self._bytes_max // 4)),
        }
        if (await self._client.metadata([self.topic]))[self.topic].error:
            await self._client.create_topic(self.topic, 1, configs, exist_ok=True)

    async def write(self, fingerprint: str, positions: Positions, blocks: Sequence[bytes], now: Now) -> None:
        """Keep a commit; it counts from the moment this returns, and not at all if this fails."""
        size = sum(map(len, blocks))
        if size > self._bytes_max:
            raise PenstockError(
                f"the job's state has {size >> 20} MiB, {self._bytes_max >> 20} MiB are allowed",
                remedy="group by fewer keys or smaller windows, or raise state_bytes_max and delete the state topic",
            )
        pieces = [_pieces(block) for block in blocks]
        mark = {
            "format": FORMAT,
            "fingerprint": fingerprint,
            "positions": positions,
            "blocks": [len(p) for p in pieces],
        }
        self._last_mark = await self._append([piece for p in pieces for piece in p], mark, now.wall_ms)

    async def _append(self, pieces: list[Bytes], mark: dict[str, Any], at_ms: int) -> int:
        """The offset of the mark."""
        previous = (("previous", str(self._last_mark).encode()),)
        first = -1
        held: list[Record] = []
        held_bytes = 0
        for piece in pieces:
            if held and held_bytes + len(piece) > PIECE_BYTES:
                offset = await self._client.append(self.topic, 0, record.encode(held, codec=LZ4))
                first, held, held_bytes = offset if first < 0 else first, [], 0
            held.append(Record(b"piece", bytes(piece), at_ms, previous))
            held_bytes += len(piece)
        value = json.dumps({**mark, "first": first}).encode()
        held.append(Record(b"mark", value, at_ms, previous))
        offset = await self._client.append(self.topic, 0, record.encode(held, codec=LZ4))
        return offset + len(held) - 1

    async def read(self) -> Commit | None:
        """The last whole commit; None where there is none."""
        end, start = (await self._client.offsets(self.topic))[0], await self._start()
        offset = end - 1
        while offset >= start:
            last = (await self._records(offset, offset + 1))[-1]
            if last.key == b"mark":
                self._last_mark = offset
                return await self._assemble(last, start)
            previous = int(dict(last.headers).get("previous") or b"-1")
            if previous >= offset:
                break
            offset = previous
        return None

    async def _start(self) -> int:
        return (await self._client.offsets(self.topic, EARLIEST))[0]

    async def _assemble(self, mark: Record, start: int) -> Commit | None:
        told = json.loads(mark.value or b"{}")
        if told["format"] > FORMAT:
            raise PenstockError(
                f"the state in {self.topic} was written by a newer penstock",
                remedy="upgrade, or delete the topic",
            )
        count = sum(told["blocks"])
        first = told["first"] if told["first"] >= 0 else mark.offset - count
        if first < start:
            return None
        records = await self._records(first, mark.offset)
        values = [r.value or b"" for r in records if r.key == b"piece"][-count:] if count else []
        blocks, at = [], 0
        for length in told["blocks"]:
            blocks.append(b"".join(values[at : at + length]))
            at += length
        positions = {i: {int(p): o for p, o in parts.items()} for i, parts in told["positions"].items()}
        return Commit(told["fingerprint"], positions, blocks, mark.timestamp_ms)

    async def _records(self, first: int, end: int) -> list[Record]:
        """The records from `first` to before `end`."""
        found: list[Record] = []
        if end <= first:
            return found
        async with self._client.reader({(self.topic, 0): first}) as reader:
            while not found or found[-1].offset < end - 1:
                chunks = await reader.read(30.0)
                if not chunks:
                    raise reader.trouble or PenstockError(f"the state in {self.topic} cannot be read")
                for chunk in chunks:
                    found += [r for r in record.decode(chunk.batches) if first <= r.offset < end]
        return found


def _pieces(block: bytes) -> list[Bytes]:
    view = memoryview(block)
    return [view[at : at + PIECE_BYTES] for at in range(0, len(view), PIECE_BYTES)]
