"""Events into topics ahead of a measurement, in whole record batches.

    python -m bench.nexmark.generator.topics --bootstrap 127.0.0.1:9092 --events 1000000 --layout three

`one` fills the topic `nexmark`, `three` fills `nexmark_person`, `nexmark_auction` and `nexmark_bid`; one partition each,
so that every engine reads the events in one order.
"""

import argparse
import asyncio

import numpy as np
import polars as pl

from bench.nexmark.generator import BLOCK, Events, Settings, binary, blocks
from bench.nexmark.generator import json as texts
from penstock.client import Client
from penstock.engine.formats.batches import Payload, encode
from penstock.engine.kernels.arrow import text_buffers

LAYOUTS = ("one", "three")
BINARY = {"avro": binary.avro, "protobuf": binary.protobuf}
"""What writes values that are no texts: layout `three` only."""
UNDER_WAY = 16
"""Batches that are sent and not yet acknowledged, at most."""


def topics(layout: str, topic: str = "nexmark") -> tuple[str, ...]:
    """The topics of a layout."""
    return (topic,) if layout == "one" else tuple(f"{topic}_{kind}" for kind in texts.KINDS)


def batches(
    events: Events, layout: str, topic: str = "nexmark", form: str = "json"
) -> dict[str, list[bytes]]:
    """The record batches of a run of events, by topic."""
    if form == "json":
        made = [texts.one(events)] if layout == "one" else [*texts.three(events).values()]
        return {name: encoded(frame) for name, frame in zip(topics(layout, topic), made, strict=True)}
    frames: dict[str, pl.DataFrame] = {kind: getattr(events, kind) for kind in texts.KINDS}
    return {
        f"{topic}_{kind}": _sent(BINARY[form](kind, frame.drop("number")), frame["dateTime"])
        for kind, frame in frames.items()
    }


def encoded(frame: pl.DataFrame) -> list[bytes]:
    """The record batches of texts: the columns `value` and `moment`."""
    data, offsets = text_buffers(frame["value"])[:2]
    values = Payload(data, offsets[:-1].astype(np.int64), np.diff(offsets).astype(np.int64))
    return _sent(values, frame["moment"])


def _sent(values: Payload, moments: pl.Series) -> list[bytes]:
    return encode(Payload.nothing(len(moments)), values, moments.to_physical().to_numpy())


async def fill(
    bootstrap: str, events: int, layout: str, settings: Settings | None = None, topic: str = "nexmark", form: str = "json"
) -> None:  # fmt: skip
    """Create the layout's topics and append the events to them."""
    async with Client(bootstrap) as client:
        for name in topics(layout, topic):
            await client.create_topic(name, 1)
        waiting: list[asyncio.Future[int]] = []
        for made in blocks(events, settings):
            for name, ready in batches(made, layout, topic, form).items():
                for batch in ready:
                    waiting.append(client.push(name, 0, batch))
                    if len(waiting) >= UNDER_WAY:
                        await waiting.pop(0)
        await asyncio.gather(*waiting)


async def fill_side_input(bootstrap: str, rows: int = 10_000) -> None:
    """q13's side input: the numbers below `rows`, each as a key and as a value."""
    from penstock.record import Record

    async with Client(bootstrap) as client:
        await client.create_topic("nexmark_side_input", 1, {"cleanup.policy": "compact"})
        pairs = ((f'{{"key":{n}}}', f'{{"key":{n},"value":"{n}"}}') for n in range(rows))
        records = [Record(key.encode(), value.encode(), 0) for key, value in pairs]
        await client.produce("nexmark_side_input", records, 0)


def main() -> None:
    """Fill the topics of a running server."""
    words = argparse.ArgumentParser(prog="python -m bench.nexmark.generator.topics", description=__doc__)
    words.add_argument("--bootstrap", default="127.0.0.1:9092")
    words.add_argument("--events", type=int, default=20 * BLOCK)
    words.add_argument("--layout", choices=LAYOUTS, default="three")
    words.add_argument(
        "--format", choices=("json", *BINARY), default="json", help="other than json: layout three only"
    )
    words.add_argument("--rate", type=int, default=Settings.rate, help="events a second of event time")
    words.add_argument("--seed", type=int, default=Settings.seed)
    given = words.parse_args()
    settings = Settings(given.seed, given.rate)
    asyncio.run(fill(given.bootstrap, given.events, given.layout, settings, form=given.format))


if __name__ == "__main__":
    main()
