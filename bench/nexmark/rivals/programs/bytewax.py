"""Nexmark in Bytewax: read a topic to its end and compute a query, into nothing or into a file.

    python -I bytewax.py QUERY BOOTSTRAP TOPIC FOLDER [ROWS]

As its documents advise: large batches from Kafka, `orjson`, one worker in one process, its own windowing operators. A clock of
event time that only bids move: with the default a replay that is slower than event time drops bids as late. Recovery is on, a
snapshot every 10 s: state exactly once, outputs at least once. Runs in an environment of its own: imports nothing of penstock's.
"""

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import bytewax.operators as op
import bytewax.operators.windowing as win
import orjson
from bytewax.connectors.kafka import KafkaSource, KafkaSourceMessage
from bytewax.dataflow import Dataflow, Stream
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.run import cli_main

START = datetime(2026, 1, 1, tzinfo=UTC)
TEN_S, STEP = timedelta(seconds=10), timedelta(seconds=2)
Message = KafkaSourceMessage[bytes | None, bytes]
Rows = Stream[list[Any]]
Timed = tuple[Any, datetime]


def bids(read: Stream[Message]) -> Stream[dict[str, Any]]:
    return op.map("decode", read, lambda message: orjson.loads(message.value))


def timed(read: Stream[Message], column: str) -> Stream[Timed]:
    """A column and the record's timestamp, which is the event's."""
    return op.map("decode", read, lambda m: (orjson.loads(m.value)[column], at(m.timestamp[1])))


def at(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def clock() -> win.EventClock[Any]:
    return win.EventClock(lambda one: one[1], timedelta(seconds=4), to_system_utc=lambda moment: None)


def q0(read: Stream[Message]) -> Rows:
    return op.map(
        "row", bids(read), lambda b: [b["auction"], b["bidder"], b["price"], b["dateTime"], b["extra"]]
    )


def q1(read: Stream[Message]) -> Rows:
    return op.map(
        "row",
        bids(read),
        lambda b: [b["auction"], b["bidder"], 0.908 * b["price"], b["dateTime"], b["extra"]],
    )


def q2(read: Stream[Message]) -> Rows:
    kept = op.filter("some", bids(read), lambda bid: bid["auction"] % 123 == 0)
    return op.map("row", kept, lambda bid: [bid["auction"], bid["price"]])


def q5_counts(read: Stream[Message]) -> Rows:
    windower = win.SlidingWindower(length=TEN_S, offset=STEP, align_to=START)
    out = win.count_window("counts", timed(read, "auction"), clock(), windower, lambda bid: str(bid[0]))
    return op.map("row", out.down, lambda row: [int(row[0]), row[1][1], *span(row[1][0], STEP)])


def q7_best(read: Stream[Message]) -> Rows:
    windower = win.TumblingWindower(length=TEN_S, align_to=START)
    keyed = op.key_on("all", timed(read, "price"), lambda bid: "all")
    out = win.max_window("best", keyed, clock(), windower, lambda bid: bid[0])
    return op.map("row", out.down, lambda row: [row[1][1][0], *span(row[1][0], TEN_S)])


def q11(read: Stream[Message]) -> Rows:
    windower = win.SessionWindower(gap=TEN_S)
    out = win.count_window("counts", timed(read, "bidder"), clock(), windower, lambda bid: str(bid[0]))
    return op.map("row", out.down, lambda row: [int(row[0]), row[1][1]])


def span(number: int, step: timedelta) -> tuple[datetime, datetime]:
    """Begin and end of the window of ten seconds with a number."""
    return START + number * step, START + number * step + TEN_S


QUERIES: dict[str, Callable[[Stream[Message]], Rows]] = {
    one.__name__: one for one in (q0, q1, q2, q5_counts, q7_best, q11)
}


class Sink(DynamicSink[list[Any]], StatelessSinkPartition[list[Any]]):
    """Nothing, or a file of JSON lines."""

    def __init__(self, rows: str) -> None:
        self._out = Path(rows).open("w") if rows else None  # noqa: SIM115

    def build(self, step_id: str, worker_index: int, worker_count: int) -> "Sink":
        return self

    def write_batch(self, items: list[list[Any]]) -> None:
        if self._out:
            self._out.writelines(json.dumps(["+I", *map(plain, row)]) + "\n" for row in items)
            self._out.flush()


def plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.%f")
    return f"{value:.3f}" if isinstance(value, float) else value


def main(query: str, bootstrap: str, topic: str, folder: str, rows: str = "") -> None:
    """Run a query to the topic's end."""
    init_db_dir(Path(folder), 1)
    flow = Dataflow("nexmark")
    read = op.input("bids", flow, KafkaSource([bootstrap], [f"{topic}_bid"], tail=False, batch_size=10_000))
    op.output("out", QUERIES[query](read), Sink(rows))
    cli_main(flow, epoch_interval=timedelta(seconds=10), recovery_config=RecoveryConfig(folder))


if __name__ == "__main__":
    main(*sys.argv[1:])
