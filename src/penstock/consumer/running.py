"""A consumer at work: joins its group, reads its partitions and their retries, lets records out, writes what came of it.

Knows how the parts fit together; what is settled with what is `Share`'s, how it is written `Committer`'s.
"""

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence

from penstock.calls import EARLIEST, LATEST
from penstock.client import Client, FencedError, KafkaError, Reader, ReaderOptions
from penstock.client.members.membership import LOST
from penstock.consumer.committing import Committer
from penstock.consumer.delivery import Delivery, Part
from penstock.consumer.names import Names
from penstock.consumer.opening import Made, Opening, fetch_one, make_topics
from penstock.consumer.options import ConsumerOptions
from penstock.consumer.partition.order import Held, Written
from penstock.consumer.partition.share import Rules, Share
from penstock.consumer.partition.source import Source
from penstock.consumer.ready import Ready
from penstock.consumer.watchdog import Watchdog, stalled
from penstock.retries import Retry

log = logging.getLogger("penstock.consumer")

PIECE = 200
"""How many records of a partition are decoded in one go: commits and handlers have their turns between."""
LOW = 64
"""With fewer records ready than this, more are decoded at once."""
STUMBLES_MAX = 5
FETCHING_MAX = 8
"""How many held records are fetched at once: each has a connection of its own for that."""
_PASSING = (
    *LOST,
    "REBALANCE_IN_PROGRESS",
    "INVALID_TXN_STATE",
    "TRANSACTION_ABORTABLE",
    "UNKNOWN_PRODUCER_ID",
)


class Running:
    """One consumer from its start to its end: `serve` in a task, `ready.take` and `settle` beside it."""

    def __init__(
        self,
        names: Sequence[Names],
        group: str,
        retry: Retry | None,
        keep_order: bool,
        start: str,
        options: ConsumerOptions,
    ) -> None:
        self.names = {each.topic: each for each in names}
        self.group, self.retry, self.keep_order, self.start = group, retry, keep_order, start
        self.options = options
        self.ready = Ready()
        self.counts: Counter[str] = Counter()
        self.shares: dict[Part, Share] = {}
        self.function = ""
        self.deserted = False
        """Whether nobody takes records any more."""
        self._made: dict[str, Made] = {}
        self._readers: list[Reader] = []
        self._sources: dict[Part, tuple[Share, Source, Reader]] = {}
        self._paused: set[Part] = set()
        self._stir = asyncio.Event()
        self._stopping = False
        self._error: BaseException | None = None
        self._moves_at_s = self._commit_at_s = 0.0
        self._stumbles = 0
        self._trouble_since_s: float | None = None
        self._loads: set[asyncio.Task[None]] = set()
        self._fetching = asyncio.Semaphore(FETCHING_MAX)
        self._commit: asyncio.Task[bool] | None = None

    # --- what goes on beside `serve` -----------------------------------------------------------------------------

    def settle(self, delivery: Delivery, error: BaseException | None) -> None:
        """A record was handled, or its handler failed."""
        try:
            if delivery.share.alive:  # else given up meanwhile: whoever has its partition now handles it
                self._settle(delivery, error)
        except Exception as wrong:
            self.fail(wrong)
        finally:
            self.ready.finished(delivery)

    def _settle(self, delivery: Delivery, error: BaseException | None) -> None:
        if error is not None and self.retry is None:
            # Whoever waits for the consumer is not cancelled because the handler was.
            told = error if isinstance(error, Exception) else RuntimeError(repr(error))
            told.add_note(f"while handling {delivery.origin}; with retry=Retry(...) it would be tried again")
            self.fail(told)
            return
        outcome = delivery.share.settle(delivery, error, self.function, _now_ms())
        self.counts[outcome] += 1
        if outcome != "done":
            self._moves_at_s = self._moves_at_s or time.monotonic() + self.options.moves_s
            self._stir.set()
        elif len(self.ready) < LOW:
            self._stir.set()

    def stop(self) -> None:
        """Take nothing new, wait for what is being handled, commit, and end."""
        self._stopping = True
        self._stir.set()

    def fail(self, error: BaseException) -> None:
        """End with this error, at once."""
        self._error = error if self._error is None else self._error
        self._stir.set()
        self.ready.end()

    # --- the whole -----------------------------------------------------------------------------------------------

    async def serve(self, bootstrap: str) -> None:
        """Consume until stopped. Raises what a handler raised where nothing is retried, KafkaError, StalledError."""
        options = self.options
        try:
            async with Client(bootstrap, options=options.client) as client:
                self._client = client
                self._membership = client.membership(self.group, options.membership)
                self._committer = Committer(client, self._membership, options.transaction_s)
                self._opening = Opening(client, self.group, self._put, self._load)
                watchdog = Watchdog(options.stall_s, self.fail)
                guard = asyncio.create_task(self._guard(watchdog))
                try:
                    await self._rounds()
                finally:
                    watchdog.stop()
                    guard.cancel()
                    await self._end()
        finally:
            self.ready.end()

    async def _rounds(self) -> None:
        while not self._stopping and self._error is None:
            try:
                await self._round()
            except KafkaError as error:
                await self._stumble(error)
        if self._error is not None:
            raise self._error

    async def _round(self) -> None:
        """From joining the group until it shares out anew, or the end."""
        for name, names in self.names.items():
            self._made[name] = await make_topics(self._client, names, self.retry)
        topics = [each for names in self.names.values() for each in names.all]
        owned = [(name, number) for topic, number in self.shares for name in self.names[topic].all]
        parts = await self._membership.join(topics, owned)
        await self._adopt([part for part in parts if part[0] in self.names])
        self.ready.open()
        looked_s = time.monotonic()
        while self._error is None and not self._stopping and not self._membership.unsettled.is_set():
            self._stir.clear()
            await self._step()
            if time.monotonic() - looked_s > self.options.look_s:
                looked_s = time.monotonic()
                await self._look()
        await self._give_up()

    async def _give_up(self) -> None:
        """Before others may have the partitions: wait for what is being handled, and commit."""
        if self._error is not None:
            return
        # What stands before something that is done is handled yet, or whoever comes next would do that again.
        ends = {} if self.deserted else {part: each[1].done_to for part, each in self._sources.items()}
        back = await self.ready.close(
            self.options.drain_s, lambda each: each.source_offset < ends.get(each.source, 0)
        )
        await self._committed()
        if self._membership.lost:
            self._drop(self.shares)
        elif back:
            await self._committer.commit(list(self.shares.values()))
        else:
            late = ", ".join(map(repr, list(self.ready.running)[:3]))
            log.warning("handlers did not finish within %s s: %s", self.options.drain_s, late)
            await self._committer.commit(list(self.shares.values()))
            self._drop(self.shares)

    async def _stumble(self, error: KafkaError) -> None:
        """After a failed commit or join: forget all, and begin at what is committed; raise what will not pass."""
        passing = error.retriable or isinstance(error, FencedError) or error.name in _PASSING
        self._stumbles += 1
        log.warning("%s", error.message)
        if not passing or self._stumbles > STUMBLES_MAX:
            raise error
        await self.ready.close(self.options.drain_s)
        with contextlib.suppress(KafkaError):
            await self._committed()
        self._drop(self.shares)
        await self._committer.reopen()

    async def _end(self) -> None:
        self.ready.end()
        for task in (*self._loads, *([self._commit] if self._commit else [])):
            task.cancel()
        for reader in self._readers:
            await reader.close()
        with contextlib.suppress(KafkaError):
            await self._committer.close()
            await self._membership.leave()

    # --- partitions ----------------------------------------------------------------------------------------------

    async def _adopt(self, parts: Sequence[Part]) -> None:
        """Keep what stays, drop what is others' now, and open what is new."""
        self._drop({part: share for part, share in self.shares.items() if part not in parts})
        wanted = {}
        for topic, number in parts:
            if (topic, number) not in self.shares:
                wanted[topic, number] = (self.names[topic], self._rules(topic))
        if wanted:
            self.shares |= await self._opening.open(wanted, self.start)
        await self._read()

    def _rules(self, topic: str) -> Rules | None:
        if self.retry is None:
            return None
        made = self._made[topic]
        return Rules(
            self.names[topic], self.retry, self.group, self.keep_order and bool(self.names[topic].held),
            made.dead_partitions, made.bytes_max, self.options.chance, self.options.blocked_bytes,
        )  # fmt: skip

    def _drop(self, shares: Mapping[Part, Share]) -> None:
        for part in list(shares):
            self.shares.pop(part).alive = False
        self.ready.forget()

    async def _read(self) -> None:
        """Readers at where each partition is: one for the topics, one for retries, which come slower."""
        for reader in self._readers:
            await reader.close()
        self._readers, self._sources, self._paused = [], {}, set()
        main = [(s, s.sources[s.main]) for s in self.shares.values()]
        beside = [
            (s, source) for s in self.shares.values() for part, source in s.sources.items() if part != s.main
        ]
        reset = EARLIEST if self.start == "earliest" else LATEST
        for found, wait_ms, start in ((main, 100, reset), (beside, 250, EARLIEST)):
            if found:
                options = ReaderOptions(
                    wait_ms=wait_ms, part_bytes_max=512 * 1024, committed=True, reset=start
                )
                reader = self._client.reader({s.part: s.fetch_from for _, s in found}, options=options)
                reader.on_arrival = self._stir.set
                self._readers.append(reader)
                self._sources |= {source.part: (share, source, reader) for share, source in found}

    async def _look(self) -> None:
        """A topic may have got more partitions: then the group shares out anew."""
        metas = await self._client.metadata(list(self.names))
        if any(meta.partitions > self._made[name].partitions for name, meta in metas.items()):
            self._membership.unsettled.set()

    # --- one step ------------------------------------------------------------------------------------------------

    async def _step(self) -> None:
        for reader in self._readers:
            for chunk in reader.take():
                share, source, _ = self._sources[chunk.topic, chunk.partition]
                if not share.goes_on(source, chunk.offset):
                    place = f"{chunk.topic}-{chunk.partition}"
                    raise KafkaError(
                        "OFFSET_OUT_OF_RANGE", f"{place} was emptied, or made anew", retriable=True
                    )
                source.feed(chunk)
        now_ms = _now_ms()
        for each in self._sources.values():
            self._fill(*each, now_ms)
        next_ms = 0
        for share in self.shares.values():
            due_ms = share.due(now_ms)
            if due_ms is not None:
                next_ms = min(next_ms or due_ms, due_ms)
        now_s = time.monotonic()
        if self._commit is not None and self._commit.done():
            await self._committed()
        at_s = min(self._moves_at_s or self._commit_at_s, self._commit_at_s)
        if now_s >= at_s and self._commit is None:
            # What is gathered makes room at once; while it is written, reading and handling go on.
            self._moves_at_s, self._commit_at_s = 0.0, now_s + self.options.commit_s
            self._commit = asyncio.create_task(self._committer.commit(list(self.shares.values())))
            self._commit.add_done_callback(lambda _: self._stir.set())
        wait_s = min(0.25, at_s - now_s) if now_s < at_s else 0.25 if self._commit else 0.0
        if next_ms:
            wait_s = min(wait_s, max(0.0, (next_ms - now_ms) / 1000))
        if self._stir.is_set():
            await asyncio.sleep(0)
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._stir.wait()

    async def _committed(self) -> None:
        """Wait for the commit under way; raises KafkaError where it failed."""
        commit, self._commit = self._commit, None
        if commit is not None and await commit:
            self._stumbles = 0

    def _fill(self, share: Share, source: Source, reader: Reader, now_ms: int) -> None:
        """Decode what came as far as there is room; fetch no more of it where there is enough."""
        options, crowded = self.options, share.crowded
        source.sweep()
        for _ in range(PIECE):
            room = source.has_room(options.window, options.window_bytes) and share.takes(source)
            found = source.next() if room else None
            if found is None:
                break
            share.offer(source, found, now_ms)
        else:
            self._stir.set()
        if share.crowded and not crowded:
            log.warning(
                "%s-%s: so many records wait for another attempt, or for an older one of their keys, that no new ones are "
                "taken until some are through (blocked_bytes)", *source.part,
            )  # fmt: skip
        if source.full and source.part not in self._paused:
            self._paused.add(source.part)
            reader.pause(source.part)
        elif not source.full and source.part in self._paused:
            self._paused.discard(source.part)
            reader.resume(source.part)

    def _put(self, delivery: Delivery) -> None:
        self.ready.put(delivery)

    def _load(self, share: Share, held: Held) -> None:
        """A held record's turn has come, and it is not in memory."""
        if held.written is Written.COMING or share.holding is None:
            return  # it is being written: `written` says when it is there

        async def load() -> None:
            assert share.holding
            try:
                async with self._fetching:
                    if share.alive:
                        found = await fetch_one(self._client, share.holding.part, held.offset)
            except Exception as error:
                if share.alive:
                    self.fail(error)
                return
            if share.alive:
                share.loaded(held, found)

        task = asyncio.create_task(load())
        self._loads.add(task)
        task.add_done_callback(self._loads.discard)

    # --- whether it moves ----------------------------------------------------------------------------------------

    async def _guard(self, watchdog: Watchdog) -> None:
        """Every now and then: this loop runs, and nothing in it has stood still for too long."""
        every_s = min(1.0, self.options.stall_s / 4)
        while True:
            await asyncio.sleep(every_s)
            watchdog.beat()
            if why := self._stuck(asyncio.get_running_loop().time()):
                self.fail(stalled(why))
                return

    def _stuck(self, now_s: float) -> str:
        limit_s = self.options.stall_s
        for delivery, since_s in self.ready.running.items():
            if now_s - since_s > limit_s:
                return f"{delivery!r} has been handled for {now_s - since_s:.0f} s"
        troubles = [reader.trouble for reader in self._readers] + [self._membership.trouble]
        trouble = next(filter(None, troubles), None)
        if trouble is None:
            self._trouble_since_s = None
        elif self._trouble_since_s is None:
            self._trouble_since_s = now_s
        elif now_s - self._trouble_since_s > limit_s:
            return f"the server has not answered for {now_s - self._trouble_since_s:.0f} s: {trouble.message}"
        return ""


def _now_ms() -> int:
    return int(time.time() * 1000)
