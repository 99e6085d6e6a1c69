"""Events by number: what the n-th event is follows from the seed and n alone, however many are made at once.

Of fifty events in a row one is a person, three are auctions, forty-six are bids. Event time goes up by the rate. Half
of the bids go to the hot auction (the first of the newest hundred), three quarters come from the hot bidder and three
quarters of the auctions from the hot seller (the second, the first of the newest hundred people).

Source: Apache Beam, Nexmark, generator's GeneratorConfig, PersonGenerator, AuctionGenerator, BidGenerator; the
channels and URLs are nexmark-flink's. Knows nothing of JSON or topics.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bench.nexmark.generator import texts
from bench.nexmark.generator.channels import channels

Numbers = NDArray[np.int64]
BLOCK = 50_000
"""Events a block: each block has its own stream of random numbers."""

PEOPLE, AUCTIONS, CYCLE = 1, 3, 50
FIRST_ID, FIRST_CATEGORY, CATEGORIES = 1000, 10, 5
LEAD = 10
"""How many ids that are not there yet may be named: a record may come before what it refers to."""
ACTIVE_PEOPLE, OPEN_AUCTIONS = 1000, 100
HOT_AUCTION, HOT_SELLER, HOT_BIDDER, HOT_GROUP = 2, 4, 4, 100
PERSON_BYTES, AUCTION_BYTES, BID_BYTES = 200, 500, 100

STATES = ["AZ", "CA", "ID", "OR", "WA", "WY"]
CITIES = [
    "Phoenix", "Los Angeles", "San Francisco", "Boise", "Portland", "Bend", "Redmond", "Seattle", "Kent", "Cheyenne",
]  # fmt: skip
FIRST_NAMES = [
    "Peter", "Paul", "Luke", "John", "Saul", "Vicky", "Kate", "Julie", "Sarah", "Deiter", "Walter",
]  # fmt: skip
LAST_NAMES = ["Shultz", "Abrams", "Spencer", "White", "Bartels", "Walton", "Smith", "Jones", "Noris"]
CARDS = [f"{number:04d}" for number in range(10_000)]


@dataclass(frozen=True)
class Settings:
    """What the events are. Event time begins five seconds before midnight, so that days and minutes change."""

    seed: int = 1
    rate: int = 10_000
    """Events a second of event time."""
    start_ms: int = int(datetime(2026, 11, 21, 23, 59, 55, tzinfo=UTC).timestamp() * 1000)


@dataclass(frozen=True)
class Events:
    """A run of events. Each frame's `number` says which events they are; the other columns are Nexmark's."""

    person: pl.DataFrame
    auction: pl.DataFrame
    bid: pl.DataFrame


def blocks(count: int, settings: Settings | None = None, start: int = 0) -> Iterator[Events]:
    """The events from `start` (a multiple of BLOCK) to `count`, a block at a time."""
    for first in range(start, count, BLOCK):
        yield block(first // BLOCK, min(count - first, BLOCK), settings or Settings())


def block(index: int, count: int, settings: Settings) -> Events:
    """The first `count` events of a block."""
    random = np.random.default_rng([settings.seed, index])
    numbers = np.arange(index * BLOCK, (index + 1) * BLOCK)
    place = numbers % CYCLE
    person = _people(random, numbers[place < PEOPLE], settings)
    auction = _auctions(random, numbers[(place >= PEOPLE) & (place < PEOPLE + AUCTIONS)], settings)
    bid = _bids(random, numbers[place >= PEOPLE + AUCTIONS], settings)
    end = index * BLOCK + count
    return Events(*(frame.filter(pl.col("number") < end) for frame in (person, auction, bid)))


def _moments(numbers: Numbers, settings: Settings) -> Numbers:
    return settings.start_ms + numbers * 1000 // settings.rate


def _last_person(numbers: Numbers) -> Numbers:
    return numbers // CYCLE * PEOPLE + np.minimum(numbers % CYCLE, PEOPLE - 1)


def _last_auction(numbers: Numbers) -> Numbers:
    """The newest auction when an event comes; -1 before the first."""
    rest = numbers % CYCLE - PEOPLE
    return numbers // CYCLE * AUCTIONS + np.clip(rest, -1, AUCTIONS - 1)


def _some_person(random: texts.Random, numbers: Numbers) -> Numbers:
    people = _last_person(numbers) + 1
    active = np.minimum(people, ACTIVE_PEOPLE)
    return people - active + _below(random, active + LEAD)


def _some_auction(random: texts.Random, numbers: Numbers) -> Numbers:
    newest = _last_auction(numbers)
    oldest = np.maximum(newest - OPEN_AUCTIONS, 0)
    return oldest + _below(random, newest - oldest + 1 + LEAD)


def _below(random: texts.Random, bounds: Numbers) -> Numbers:
    return (random.random(len(bounds)) * bounds).astype(np.int64)


def _hot(random: texts.Random, ratio: int, hot: Numbers, cold: Numbers) -> Numbers:
    return np.where(random.integers(0, ratio, len(hot)) > 0, hot, cold)


def _prices(random: texts.Random, count: int) -> Numbers:
    """In cents, 1 to a million dollars, each power of ten as likely."""
    return np.rint(10.0 ** (random.random(count) * 6) * 100).astype(np.int64)


def _people(random: texts.Random, numbers: Numbers, settings: Settings) -> pl.DataFrame:
    count = len(numbers)
    frame = pl.DataFrame({
        "number": numbers, "id": _last_person(numbers) + FIRST_ID,
        "first": texts.picks(random, count, FIRST_NAMES), "last": texts.picks(random, count, LAST_NAMES),
        "user": texts.words(random, count, 7, seed=settings.seed), "host": texts.words(random, count, 5, seed=settings.seed),
        **{f"card{n}": texts.picks(random, count, CARDS) for n in range(4)},
        "city": texts.picks(random, count, CITIES), "state": texts.picks(random, count, STATES),
        "dateTime": _times(_moments(numbers, settings)),
    })  # fmt: skip
    made = frame.select(
        "number", "id", pl.concat_str("first", "last", separator=" ").alias("name"),
        pl.concat_str("user", pl.lit("@"), "host", pl.lit(".com")).alias("emailAddress"),
        pl.concat_str(*(f"card{n}" for n in range(4)), separator=" ").alias("creditCard"), "city", "state", "dateTime",
    )  # fmt: skip
    sizes = _lengths(made, "name", "emailAddress", "creditCard", "city", "state") + 8
    return made.with_columns(texts.filling(random, sizes, PERSON_BYTES, settings.seed).alias("extra"))


def _auctions(random: texts.Random, numbers: Numbers, settings: Settings) -> pl.DataFrame:
    count, moments = len(numbers), _moments(numbers, settings)
    hot = _last_person(numbers) // HOT_GROUP * HOT_GROUP
    first = _prices(random, count)
    ahead = _moments(numbers + OPEN_AUCTIONS * CYCLE // AUCTIONS, settings) - moments
    made = pl.DataFrame({
        "number": numbers, "id": _last_auction(numbers) + FIRST_ID,
        "itemName": texts.words(random, count, 20, seed=settings.seed),
        "description": texts.words(random, count, 100, seed=settings.seed),
        "initialBid": first, "reserve": first + _prices(random, count), "dateTime": _times(moments),
        "expires": _times(moments + 1 + _below(random, np.maximum(ahead * 2, 1))),
        "seller": _hot(random, HOT_SELLER, hot, _some_person(random, numbers)) + FIRST_ID,
        "category": random.integers(FIRST_CATEGORY, FIRST_CATEGORY + CATEGORIES, count),
    })  # fmt: skip
    sizes = _lengths(made, "itemName", "description") + 48
    return made.with_columns(texts.filling(random, sizes, AUCTION_BYTES, settings.seed).alias("extra"))


def _bids(random: texts.Random, numbers: Numbers, settings: Settings) -> pl.DataFrame:
    count = len(numbers)
    hot_auction = _last_auction(numbers) // HOT_GROUP * HOT_GROUP
    hot_bidder = _last_person(numbers) // HOT_GROUP * HOT_GROUP + 1
    channel, url = channels(random, count, settings.seed)
    return pl.DataFrame({
        "number": numbers,
        "auction": _hot(random, HOT_AUCTION, hot_auction, _some_auction(random, numbers)) + FIRST_ID,
        "bidder": _hot(random, HOT_BIDDER, hot_bidder, _some_person(random, numbers)) + FIRST_ID,
        "price": _prices(random, count), "channel": channel, "url": url,
        "dateTime": _times(_moments(numbers, settings)),
        "extra": texts.filling(random, np.full(count, 32), BID_BYTES, settings.seed),
    })  # fmt: skip


def _lengths(frame: pl.DataFrame, *names: str) -> Numbers:
    return (
        frame.select(pl.sum_horizontal(pl.col(*names).str.len_bytes().cast(pl.Int64))).to_series().to_numpy()
    )


def _times(moments_ms: Numbers) -> pl.Series:
    return pl.Series(moments_ms).cast(pl.Datetime("ms"))
