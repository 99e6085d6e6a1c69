"""Nexmark in Quix Streams: read a topic to its end and compute a query, into nothing or into a file.

    python -I quix.py QUERY BOOTSTRAP TOPIC FOLDER [ROWS]

As its documents advise: windows want their key as the message's, so `group_by` sends what a window needs (and no more)
through a topic of its own; `closing_strategy="partition"`, so that any bid moves the time of all keys, as in Flink. Exactly
once, a checkpoint every 10 s, changelog topics on. Event time is the records' timestamp. Runs in an environment of its own:
imports nothing of penstock's.
"""

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from quixstreams import Application
from quixstreams.dataframe import StreamingDataFrame
from quixstreams.dataframe.windows import Count, Max

GRACE_MS = 4_000
REST_S = 3.0
"""It stops when no message came for so long: its own way to come to an end."""


def q0(bids: StreamingDataFrame) -> StreamingDataFrame:
    return bids[["auction", "bidder", "price", "dateTime", "extra"]]


def q1(bids: StreamingDataFrame) -> StreamingDataFrame:
    bids["price"] = bids["price"] * 0.908
    return bids[["auction", "bidder", "price", "dateTime", "extra"]]


def q2(bids: StreamingDataFrame) -> StreamingDataFrame:
    return bids[bids["auction"] % 123 == 0][["auction", "price"]]


def q5_counts(bids: StreamingDataFrame) -> StreamingDataFrame:
    keyed = bids[["auction"]].group_by("auction")
    return keyed.hopping_window(10_000, 2_000, GRACE_MS).agg(num=Count()).final("partition")


def q7_best(bids: StreamingDataFrame) -> StreamingDataFrame:
    keyed = bids[["price"]].group_by(lambda bid: "all", name="all")
    return keyed.tumbling_window(10_000, GRACE_MS).agg(price=Max("price")).final("partition")


def q11(bids: StreamingDataFrame) -> StreamingDataFrame:
    keyed = bids[["bidder"]].group_by("bidder")
    return keyed.session_window(10_000, GRACE_MS).agg(bid_count=Count()).final("partition")


QUERIES: dict[str, Callable[[StreamingDataFrame], StreamingDataFrame]] = {
    one.__name__: one for one in (q0, q1, q2, q5_counts, q7_best, q11)
}
ROWS: dict[str, Callable[[Any, Any], list[Any]]] = {
    "q0": lambda bid, key: [*bid.values()],
    "q1": lambda bid, key: [
        bid["auction"],
        bid["bidder"],
        f"{bid['price']:.3f}",
        bid["dateTime"],
        bid["extra"],
    ],
    "q2": lambda bid, key: [*bid.values()],
    "q5_counts": lambda window, key: [
        int(key),
        window["num"],
        moment(window["start"]),
        moment(window["end"]),
    ],
    "q7_best": lambda window, key: [window["price"], moment(window["start"]), moment(window["end"])],
    "q11": lambda window, key: [int(key), window["bid_count"]],
}


def moment(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def main(query: str, bootstrap: str, topic: str, folder: str, rows: str = "") -> None:
    """Run a query until nothing comes any more."""
    app = Application(
        bootstrap, consumer_group=f"quix-{Path(folder).name}", auto_offset_reset="earliest", state_dir=folder,
        processing_guarantee="exactly-once", commit_interval=10.0, loglevel="WARNING",
    )  # fmt: skip
    result = QUERIES[query](app.dataframe(app.topic(f"{topic}_bid", value_deserializer="json")))
    if rows:
        out = Path(rows).open("w", buffering=1)  # noqa: SIM115
        result.update(
            lambda value, key, at, headers: out.write(json.dumps(["+I", *ROWS[query](value, key)]) + "\n"),
            metadata=True,
        )
    app.run(timeout=REST_S, collect=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
