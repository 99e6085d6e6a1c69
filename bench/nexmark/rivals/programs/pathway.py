"""Nexmark in Pathway: follow a topic and compute a query, into nothing or into a file, until it is ended from outside.

    python -I pathway.py QUERY BOOTSTRAP TOPIC FOLDER [ROWS]

Its streaming mode with its default of 1.5 s between commits, one worker. Persistence is on, a snapshot every 10 s: that of the
inputs, which is what the edition without a licence key has, at least once. Windows come out once, when the time passes their end
by 4 s; sessions are kept as they grow, since its sessions take no such behaviour. Runs in an environment of its own: imports
nothing of penstock's.
"""

import datetime
import sys
from collections.abc import Callable
from pathlib import Path

import pathway as pw

TEN_S = datetime.timedelta(seconds=10)
ONCE = pw.temporal.exactly_once_behavior(datetime.timedelta(seconds=4))
FORM = "%Y-%m-%d %H:%M:%S.%f"
Read = Callable[[str, type[pw.Schema]], pw.Table]


class Bid(pw.Schema):
    auction: int
    bidder: int
    price: int
    dateTime: str  # noqa: N815
    extra: str


class Person(pw.Schema):
    """A table's `id` is Pathway's own."""

    person: int
    name: str
    city: str
    state: str


class Auction(pw.Schema):
    auction: int
    seller: int
    category: int


class Bidding(pw.Schema):
    """Of a bid what a window over auctions needs."""

    auction: int
    dateTime: str  # noqa: N815


class Priced(pw.Schema):
    price: int
    dateTime: str  # noqa: N815


class Bidder(pw.Schema):
    bidder: int
    dateTime: str  # noqa: N815


class Short(pw.Schema):
    auction: int
    price: int


def q0(read: Read) -> pw.Table:
    return read("bid", Bid)


def q1(read: Read) -> pw.Table:
    bids = read("bid", Bid)
    return bids.select(
        bids.auction, bids.bidder, price=0.908 * bids.price, dateTime=bids.dateTime, extra=bids.extra
    )


def q2(read: Read) -> pw.Table:
    bids = read("bid", Short)
    return bids.filter(bids.auction % 123 == 0)


def q3(read: Read) -> pw.Table:
    people, auctions = read("person", Person), read("auction", Auction)
    sellers = people.filter((people.state == "OR") | (people.state == "ID") | (people.state == "CA"))
    wanted = auctions.filter(auctions.category == 10)
    joined = wanted.join(sellers, wanted.seller == sellers.person)
    return joined.select(sellers.name, sellers.city, sellers.state, wanted.auction)


def q5_counts(read: Read) -> pw.Table:
    bids = read("bid", Bidding)
    window = pw.temporal.sliding(hop=datetime.timedelta(seconds=2), duration=TEN_S)
    windowed = bids.windowby(
        bids.dateTime.dt.strptime(FORM), window=window, instance=bids.auction, behavior=ONCE
    )
    return windowed.reduce(auction=pw.this._pw_instance, num=pw.reducers.count(), **span())


def q7_best(read: Read) -> pw.Table:
    bids = read("bid", Priced)
    windowed = bids.windowby(
        bids.dateTime.dt.strptime(FORM), window=pw.temporal.tumbling(duration=TEN_S), behavior=ONCE
    )
    return windowed.reduce(price=pw.reducers.max(pw.this.price), **span())


def q11(read: Read) -> pw.Table:
    bids = read("bid", Bidder)
    window = pw.temporal.session(max_gap=TEN_S)
    windowed = bids.windowby(bids.dateTime.dt.strptime(FORM), window=window, instance=bids.bidder)
    return windowed.reduce(bidder=pw.this._pw_instance, bid_count=pw.reducers.count())


def span() -> dict[str, pw.ColumnExpression]:
    return {"start": pw.this._pw_window_start, "end": pw.this._pw_window_end}


QUERIES: dict[str, Callable[[Read], pw.Table]] = {
    one.__name__: one for one in (q0, q1, q2, q3, q5_counts, q7_best, q11)
}


def main(query: str, bootstrap: str, topic: str, folder: str, rows: str = "") -> None:
    """Run a query for ever. What it has read it commits every second, so that who waits can see it."""
    settings = {
        "bootstrap.servers": bootstrap, "group.id": f"pathway-{Path(folder).name}", "auto.offset.reset": "earliest",
        "auto.commit.interval.ms": "1000",
    }  # fmt: skip

    def read(kind: str, schema: type[pw.Schema]) -> pw.Table:
        paths = {kind: "/id"} if kind != "bid" else None
        return pw.io.kafka.read(
            settings, f"{topic}_{kind}", schema=schema, format="json", json_field_paths=paths, name=kind
        )

    result = QUERIES[query](read)
    if rows:
        pw.io.jsonlines.write(result, rows)
    else:
        pw.io.null.write(result)
    kept = pw.persistence.Config(pw.persistence.Backend.filesystem(folder), snapshot_interval_ms=10_000)
    pw.run(monitoring_level=pw.MonitoringLevel.NONE, persistence_config=kept)


if __name__ == "__main__":
    main(*sys.argv[1:])
