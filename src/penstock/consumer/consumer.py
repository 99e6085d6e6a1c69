"""`penstock.consume`: a consumer of a topic, as a loop or as a function that is called.

    async for record in penstock.consume("orders", group="billing", retry=Retry("5s", "1m", dead_letter="orders.dlq")):
        with record:
            await charge(record.json())

    penstock.consume("orders", group="billing", retry=Retry("5s", "1m")).run(charge, concurrency=8)

Knows how it is asked for; the work is `Running`'s.
"""

import asyncio
import contextlib
import os
import signal
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from penstock.client.security import from_environment
from penstock.consumer.calling import Call, Handler, calling, check, name_of
from penstock.consumer.delivery import Delivery
from penstock.consumer.names import names_of
from penstock.consumer.opening import STARTS
from penstock.consumer.options import ConsumerOptions
from penstock.consumer.running import Running
from penstock.durations import Duration, milliseconds
from penstock.errors import PenstockError
from penstock.retries import Retry


def consume(
    topics: str | Sequence[str],
    *,
    group: str,
    retry: Retry | None = None,
    bootstrap: str = "",
    keep_order: bool = True,
    start: str = "earliest",
    options: ConsumerOptions | None = None,
) -> "Consumer":
    """A consumer of these topics in a group, here or on any Kafka from 2.5 on; it begins when it is iterated or run.

    `retry`: without it, a failure ends the consumer. `keep_order`: records of a key wait for an older one that is to
    be tried again. `start`: where a group begins that has no position, "earliest" or "latest". `bootstrap`: by default
    PENSTOCK_BOOTSTRAP, else 127.0.0.1:9092.
    """
    names = [topics] if isinstance(topics, str) else list(topics)
    if not names or not group:
        raise PenstockError(
            "a consumer needs a topic and a group", remedy='consume("orders", group="billing")'
        )
    if start not in STARTS:
        raise PenstockError(f"start={start!r}", remedy='"earliest" or "latest"')
    if options is None:
        plain = ConsumerOptions()
        options = replace(plain, client=replace(plain.client, security=from_environment()))
    address = bootstrap or os.environ.get("PENSTOCK_BOOTSTRAP", "127.0.0.1:9092")
    return Consumer(names, group, retry, address, keep_order, start, options)


class Consumer:
    """Made by `consume`. Once: iterate it, or `run` or `work` it."""

    def __init__(
        self,
        topics: Sequence[str],
        group: str,
        retry: Retry | None,
        bootstrap: str,
        keep_order: bool,
        start: str,
        options: ConsumerOptions,
    ) -> None:
        self.topics, self.group, self.bootstrap = tuple(topics), group, bootstrap
        self.names = tuple(names_of(topic, retry, keep_order) for topic in topics)
        self._begin = partial(Running, self.names, group, retry, keep_order, start)
        self._options = options
        self._running: Running | None = None
        self._task: asyncio.Task[None] | None = None
        self._given: Delivery | None = None
        self._stopped = False

    # --- a loop --------------------------------------------------------------------------------------------------

    def __aiter__(self) -> "Consumer":
        """One record at a time: each is done when the next is asked for."""
        return self

    async def __anext__(self) -> Delivery:
        """The next record. Raises what `work` raises."""
        running = self._started()
        if self._given is not None:
            given, self._given = self._given, None
            running.settle(given, given.error)
        self._given = await running.ready.take()
        if self._given is None:
            assert self._task
            await self._task
            raise StopAsyncIteration
        return self._given

    async def __aenter__(self) -> "Consumer":
        """Leaving the block stops the consumer in good order, however the loop was left."""
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """The record that was being looked at is done, unless an exception ends the block."""
        if self._running is None or self._task is None:
            return
        if self._given is not None:
            given, self._given = self._given, None
            if kind is None:
                self._running.settle(given, given.error)
            else:
                given.share.alive = False
                self._running.ready.finished(given)
        self._running.deserted = True
        self.stop()
        await asyncio.gather(self._task, return_exceptions=kind is not None)

    # --- a function ----------------------------------------------------------------------------------------------

    async def work(self, handler: Handler, *, concurrency: int = 1, stall: Duration | None = None) -> None:
        """Call `handler` with every record, `concurrency` at once, until `stop`.

        A coroutine function is awaited, a plain one is called on threads. What it raises is retried, or ends the
        consumer where there is no `retry`. Raises StalledError where nothing moves for `stall` (5 min).
        """
        if concurrency < 1:
            raise PenstockError(f"concurrency of {concurrency}", remedy="at least 1")
        check(handler)
        running = self._started(stall)
        running.function = name_of(handler)
        workers = [asyncio.create_task(self._worker(running, handler)) for _ in range(concurrency)]
        assert self._task
        try:
            await self._task
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    def run(self, handler: Handler, *, concurrency: int = 1, stall: Duration | None = None) -> None:
        """`work` in an event loop of its own, until Ctrl-C or SIGTERM: then what is begun is finished and committed."""

        async def go() -> None:
            loop = asyncio.get_running_loop()
            for number in (signal.SIGINT, signal.SIGTERM):
                # Signals are the main thread's alone (ValueError, RuntimeError), and a loop on Windows, where programs
                # that consume from here may run, takes none (NotImplementedError): there `stop` ends it.
                with contextlib.suppress(ValueError, RuntimeError, NotImplementedError):
                    loop.add_signal_handler(number, self._signalled, loop)
            await self.work(handler, concurrency=concurrency, stall=stall)

        asyncio.run(go())

    def stop(self) -> None:
        """Take nothing new, finish what is begun, commit, leave the group. Call it in the consumer's event loop."""
        self._stopped = True
        if self._running is not None:
            self._running.stop()

    @property
    def counts(self) -> Counter[str]:
        """How many records were done, retried, or became dead letters, so far."""
        return self._running.counts if self._running is not None else Counter()

    def _signalled(self, loop: asyncio.AbstractEventLoop) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)  # a second one ends the program at once
        self.stop()

    def _started(self, stall: Duration | None = None) -> Running:
        if self._running is None:
            options = self._options
            if stall is not None:
                options = replace(options, stall_s=milliseconds(stall) / 1000)
            self._running = self._begin(options)
            if self._stopped:
                self._running.stop()
            self._task = asyncio.create_task(self._running.serve(self.bootstrap))
        return self._running

    async def _worker(self, running: Running, handler: Handler) -> None:
        with calling(handler, self._options.time_limit_s) as call:
            while (delivery := await running.ready.take()) is not None:
                raised = await _failure(call, delivery)
                running.settle(delivery, delivery.error if raised is None else raised)


async def _failure(call: Call, delivery: Delivery) -> BaseException | None:
    """Call it; what it raised."""
    try:
        await call(delivery)
    except asyncio.CancelledError as raised:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        return raised  # not this task is cancelled: something is that the handler waited for
    except Exception as raised:
        return raised
    return None
