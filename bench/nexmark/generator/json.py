"""Events as JSON texts, in Flink's layouts.

`one`: each record is {"event_type", "person", "auction", "bid"} with two of the three null, as nexmark-flink's own topic.
`three`: people, auctions and bids in a topic each, flat. No text in an event needs an escape.
"""

import polars as pl

from bench.nexmark.generator.events import Events

KINDS = ("person", "auction", "bid")
"""In the order of `event_type`."""


def objects(frame: pl.DataFrame) -> pl.Series:
    """Each row as an object; times as Flink's SQL form has them."""
    parts: list[pl.Expr] = []
    for place, (name, kind) in enumerate(frame.drop("number").schema.items()):
        text, column = kind in (pl.String, pl.Datetime("ms")), pl.col(name)
        if kind == pl.Datetime("ms"):
            column = column.dt.strftime("%Y-%m-%d %H:%M:%S%.3f")
        quote = '"' if text else ""
        before = ("{" if place == 0 else "") + f'"{name}":{quote}'
        parts += [pl.lit(before), column, pl.lit(quote + (",", "}")[place == frame.width - 2])]
    return frame.select(pl.concat_str(parts)).to_series()


def one(events: Events) -> pl.DataFrame:
    """All events in order: number, moment, value."""
    frames = []
    for number, kind in enumerate(KINDS):
        frame: pl.DataFrame = getattr(events, kind)
        before = f'{{"event_type":{number}' + "".join(f',"{other}":null' for other in KINDS[:number])
        after = "".join(f',"{other}":null' for other in KINDS[number + 1 :]) + "}"
        value = pl.concat_str(pl.lit(f'{before},"{kind}":'), pl.lit(objects(frame)), pl.lit(after))
        frames.append(frame.select("number", pl.col("dateTime").alias("moment"), value.alias("value")))
    return pl.concat(frames).sort("number")


def three(events: Events) -> dict[str, pl.DataFrame]:
    """By topic, in order: number, moment, value."""
    frames: dict[str, pl.DataFrame] = {kind: getattr(events, kind) for kind in KINDS}
    return {
        kind: frame.select("number", pl.col("dateTime").alias("moment"), objects(frame).alias("value"))
        for kind, frame in frames.items()
    }
