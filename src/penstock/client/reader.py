"""Reading partitions from given offsets on: long polls to every leader, whole batches as they came.

Knows where each batch ends and the next fetch begins; knows nothing of the records inside, nor of groups.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

from penstock import record
from penstock.calls import EARLIEST, Bytes
from penstock.client import fetching
from penstock.client.admin.offsets import find_offsets
from penstock.client.cluster import Cluster
from penstock.client.errors import KafkaError, failure
from penstock.record import BatchInfo

Part = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole record batches of one partition. The first may begin before `offset`, which is what was asked for.

    `batches` is a slice of the response: copy what is kept for long. Transaction markers are taken out, and what was
    aborted where only committed records are read: so they may be empty while `next_offset` moves on. `aborted`: what of them
    a transaction took back, by base offsets, for who wants to see that, too.
    """

    topic: str
    partition: int
    offset: int
    batches: Bytes
    high_watermark: int
    next_offset: int
    aborted: frozenset[int] = frozenset()


@dataclass(frozen=True)
class ReaderOptions:
    """How much a reader asks for and holds."""

    wait_ms: int = 500
    """How long the server may wait for the first byte, in milliseconds."""
    bytes_max: int = 16 * 1024 * 1024
    """The most one fetch brings, in bytes; one batch may exceed it."""
    part_bytes_max: int = 4 * 1024 * 1024
    """The most one fetch brings of one partition, in bytes."""
    ahead_bytes_max: int = 32 * 1024 * 1024
    """Fetching pauses while this much waits to be read, in bytes."""
    committed: bool = False
    """Whether to read only what is committed, up to the first open transaction; `high_watermark` is that end then."""
    aborted: bool = False
    """Beside `committed`: whether what was aborted stays among the batches, and is told (`Chunk.aborted`)."""
    reset: int | None = None
    """Where to go on when an offset is out of range: EARLIEST or LATEST; None raises OFFSET_OUT_OF_RANGE."""


class Reader:
    """`read` for what is there, or iterate over chunks. Lost servers are waited for: `trouble` says which and why.

    `on_arrival` is called when there is something to `take`, for whoever waits on several readers.
    """

    def __init__(self, cluster: Cluster, positions: Mapping[Part, int], options: ReaderOptions) -> None:
        self.positions = dict(positions)
        self.high_watermarks: dict[Part, int] = {}
        self.trouble: KafkaError | None = None
        self._cluster, self._options = cluster, options
        self._chunks: list[Chunk] = []
        self._bytes = 0
        self._arrived, self._taken = asyncio.Event(), asyncio.Event()
        self.on_arrival: Callable[[], None] = lambda: None
        self._failed: Exception | None = None
        self._missing_since_s: float | None = None
        self._left: set[Part] = set()
        self._paused: set[Part] = set()
        self._resumed = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    def take(self) -> list[Chunk]:
        """All chunks that have arrived, without waiting: none, perhaps.

        Raises KafkaError where waiting does not help: no access, no such topic, an offset out of range.
        """
        if not self._chunks and self._failed:
            raise self._failed
        chunks, self._chunks, self._bytes = self._chunks, [], 0
        self._arrived.clear()
        self._taken.set()
        return chunks

    async def read(self, timeout_s: float | None = None) -> list[Chunk]:
        """All chunks that have arrived; waits for the first, at most `timeout_s`, then gives none. Raises as `take`."""
        if not self._chunks and not self._failed:
            try:
                async with asyncio.timeout(timeout_s):
                    await self._arrived.wait()
            except TimeoutError:
                return []
        return self.take()

    async def __aiter__(self) -> AsyncIterator[Chunk]:
        """Every chunk, for ever."""
        while True:
            for chunk in await self.read():
                yield chunk

    def leave(self, part: Part) -> None:
        """Fetch no more of a partition; what of it has arrived is there to be taken."""
        self._left.add(part)
        self._resumed.set()

    def pause(self, part: Part) -> None:
        """Ask for no more of this partition; what is on its way still arrives."""
        self._paused.add(part)

    def resume(self, part: Part) -> None:
        """Go on with a paused partition."""
        self._paused.discard(part)
        self._resumed.set()

    async def close(self) -> None:
        """Stop fetching."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._cluster.release(self)

    @property
    def closed(self) -> bool:
        """Whether fetching has ended."""
        return self._task.done()

    async def __aenter__(self) -> "Reader":
        """Use as a context manager closes the reader at its end."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop fetching."""
        await self.close()

    # --- fetching ------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        flying: dict[int, asyncio.Task[None]] = {}
        backoff = self._cluster.backoff()
        try:
            while self._left < self.positions.keys():
                while self._bytes >= self._options.ahead_bytes_max:
                    self._taken.clear()
                    await self._taken.wait()
                try:
                    for node, parts in (await self._by_leader()).items():
                        if node not in flying:
                            flying[node] = asyncio.create_task(self._fetch(node, parts))
                    if not flying:  # all are paused
                        self._resumed.clear()
                        await self._resumed.wait()
                        continue
                    done, _ = await asyncio.wait(flying.values(), return_when=asyncio.FIRST_COMPLETED)
                    flying = {n: t for n, t in flying.items() if t not in done}
                    for task in done:
                        task.result()
                    backoff.reset()
                except KafkaError as error:
                    await self._stumble(error, backoff.next_s())
        except Exception as error:
            self._failed = error
            self._arrived.set()
            self.on_arrival()
        finally:
            for task in flying.values():
                task.cancel()
            await asyncio.gather(*flying.values(), return_exceptions=True)

    async def _stumble(self, error: KafkaError, wait_s: float) -> None:
        """Wait and go on after an error that may pass; raise any other."""
        if not error.retriable:
            raise error
        if error.name == "UNKNOWN_TOPIC_OR_PARTITION":
            now_s = asyncio.get_running_loop().time()
            self._missing_since_s = self._missing_since_s or now_s
            if now_s - self._missing_since_s > self._cluster.options.unknown_topic_s:
                raise error
        self.trouble = error
        self._cluster.doubt(error)
        await asyncio.sleep(wait_s)

    async def _by_leader(self) -> dict[int, list[Part]]:
        metas = await self._cluster.topics(sorted({topic for topic, _ in self.positions}))
        found: dict[int, list[Part]] = {}
        for topic, partition in self.positions:
            if (topic, partition) in self._left or (topic, partition) in self._paused:
                continue
            meta = metas[topic]
            if meta.error or partition >= meta.partitions:
                raise KafkaError(
                    meta.error or "UNKNOWN_TOPIC_OR_PARTITION", f"read {topic}-{partition}", retriable=True
                )
            found.setdefault(meta.leaders[partition], []).append((topic, partition))
        if -1 in found:
            raise failure(5, f"read {found[-1][0][0]}-{found[-1][0][1]}")
        return found

    async def _fetch(self, node: int, parts: list[Part]) -> None:
        connection = await self._cluster.connection_to(node, self)
        asked = {part: self.positions[part] for part in parts}
        options = self._options
        limits = options.wait_ms, options.bytes_max, options.part_bytes_max
        row = fetching.wish(asked, *limits, options.committed)
        timeout_s = options.wait_ms / 1000 + self._cluster.options.request_timeout_s
        frame = await connection.start("Fetch", row, timeout_s)
        try:
            error, got = fetching.read(connection.version("Fetch"), frame)
        except ValueError as damage:
            raise connection.broken(f"sent {damage}") from damage
        if error:
            raise failure(error, f"fetch from {connection.place}")
        errors = [e for part in got if (e := await self._take(part, asked))]
        if errors:
            raise errors[0]

    async def _take(self, got: fetching.Got, asked: dict[Part, int]) -> KafkaError | None:
        """Keep what one partition brought; returns what went wrong with it."""
        part = (got.topic, got.partition)
        if part not in asked or self.positions[part] != asked[part]:
            return None  # not asked for, or answered before
        if got.error == 1 and self._options.reset is not None:
            earliest = self._options.reset == EARLIEST and got.start_offset >= 0
            self.positions[part] = got.start_offset if earliest else await self._reset(part)
            return None
        if got.error:
            return failure(got.error, f"read {got.topic}-{got.partition} from offset {asked[part]}")
        self.trouble, self._missing_since_s = None, None
        end = got.stable_offset if self._options.committed else got.high_watermark
        self.high_watermarks[part] = end
        batches, next_offset, aborted = _whole(got, asked[part], self._options.aborted)
        if next_offset > asked[part]:
            self.positions[part] = next_offset
            # Perhaps without records: who waits for an offset should hear that it is past.
            self._chunks.append(Chunk(*part, asked[part], batches, got.high_watermark, next_offset, aborted))
            self._bytes += len(batches)
            self._arrived.set()
            self.on_arrival()
        return None

    async def _reset(self, part: Part) -> int:
        found = await find_offsets(self._cluster, [part], self._options.reset or 0)
        return found[part][0]


_NONE: frozenset[int] = frozenset()


def _whole(got: fetching.Got, offset: int, aborted: bool) -> tuple[Bytes, int, frozenset[int]]:
    """The whole batches without a cut tail, markers and what was `aborted`, where that is not wanted; the offset after them;
    and which of them were."""
    batches, infos = got.batches, list(record.scan(got.batches))
    if not infos:
        return b"", offset, _NONE
    next_offset, void = infos[-1].last_offset + 1, _NONE
    kept = lasting = _lasting(got, infos) if got.aborted else [i for i in infos if not i.control]
    if aborted and got.aborted:
        kept = [i for i in infos if not i.control]
        void = frozenset(i.base_offset for i in kept).difference(i.base_offset for i in lasting)
    wanted = [i for i in kept if i.last_offset >= offset]
    if len(wanted) == len(infos):
        return batches[: infos[-1].position + infos[-1].size], next_offset, void
    return b"".join(batches[i.position : i.position + i.size] for i in wanted), next_offset, void


def _lasting(got: fetching.Got, infos: Sequence[BatchInfo]) -> list[BatchInfo]:
    """What no transaction took back: from its first offset on, up to its marker, a producer's batches are void."""
    coming = deque(sorted(got.aborted, key=itemgetter(1)))
    void: set[int] = set()
    kept = []
    for info in infos:
        while coming and coming[0][1] <= info.last_offset:
            void.add(coming.popleft()[0])
        if info.control:
            if _is_abort(got.batches[info.position : info.position + info.size]):
                void.discard(info.producer_id)
        elif not (info.transactional and info.producer_id in void):
            kept.append(info)
    return kept


def _is_abort(batch: memoryview) -> bool:
    """Whether a control batch is an abort marker: its key is a version and a type, 0 for abort (KIP-98)."""
    marker = next(record.decode(batch), None)
    return marker is not None and (marker.key or b"")[2:4] == b"\0\0"
