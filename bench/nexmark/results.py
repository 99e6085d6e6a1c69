"""What a query's rows come to in the end: the changes applied, every value in one form whatever engine gave it.

Whole numbers and truth stand for themselves, moments are texts to the microsecond, decimals and all else are texts.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import polars as pl

from bench.nexmark.generator import Events, Settings, blocks
from bench.nexmark.generator.topics import batches
from bench.nexmark.scripts import Place, key_places, script, statements
from bench.oracle.flink import Flink
from penstock.clock import Now
from penstock.engine.job import Job, Output
from penstock.record import Record, encode
from penstock.sql import parse

Result = Counter[tuple[Any, ...]]
PRINT = "'connector' = 'print'"
"""It takes all changes, what is taken back as well."""
WHOLE_MAX = 30
"""Results up to so many rows are frozen whole."""
SAMPLE = 3
_SIGNS = {"+I": 1, "+U": 1, "-U": -1, "-D": -1}
_KINDS = ("+I", "-U", "+U", "-D")
NOW = Now(0.0, 1_795_305_600_000)


def settled(changes: Iterable[list[Any]]) -> Result:
    """The rows that are left when all changes are applied. Raises ValueError for a row taken back that was not there."""
    left: Result = Counter()
    for kind, *values in changes:
        row = tuple(values)
        left[row] += _SIGNS[kind]
        if left[row] < 0:
            raise ValueError(f"{kind} of a row that is not there: {row}")
        if not left[row]:
            del left[row]
    return left


def replaced(changes: Iterable[list[Any]], key: tuple[int, ...]) -> Result:
    """The rows that are left where a row takes the place of the one with its key, as Flink's TOP 1 has it: no -U."""
    held: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    for kind, *values in changes:
        name = tuple(values[place] for place in key)
        if _SIGNS[kind] > 0:
            held[name] = tuple(values)
        elif held.get(name) == tuple(values):
            del held[name]
    return Counter(held.values())


def digest(result: Result) -> Mapping[str, object]:
    """A result as it is frozen: its count, its hash, and some rows of it or all."""
    rows = sorted(json.dumps(row) for row in result.elements())
    shown = rows if len(rows) <= WHOLE_MAX else rows[:: len(rows) // SAMPLE][:SAMPLE]
    return {
        "rows": len(rows),
        "sha256": hashlib.sha256("\n".join(rows).encode()).hexdigest(),
        "shown": [json.loads(row) for row in shown],
    }


# --- penstock -------------------------------------------------------------------------------------------------------


def ours(name: str, events: int, settings: Settings, layout: str = "three", form: str = "json") -> Result:
    """penstock's result: the engine alone, fed with the record batches that the topics would hold."""
    job = Job(parse(script(name, Place(layout=layout, sink=PRINT, form=form))))
    return settled(
        change for output in _fed(job, events, settings, layout, form) for change in _changes(output.rows)
    )


def _fed(job: Job, events: int, settings: Settings, layout: str, form: str) -> Iterator[Output]:
    named = {source.table.topic: source.index for source in job.sources}
    for index in named.values():
        job.expect(index, [0])
    if "nexmark_side_input" in named:
        yield from job.on_records(named["nexmark_side_input"], 0, _side_input(), NOW)
    for made in blocks(events, settings):
        for topic, ready in batches(made, layout, form=form).items():
            for batch in ready if topic in named else ():
                yield from job.on_records(named[topic], 0, batch, NOW)
    yield from job.on_end(NOW)


def _side_input() -> bytes:
    pairs = ((f'{{"key":{n}}}', f'{{"key":{n},"value":"{n}"}}') for n in range(10_000))
    return encode([Record(key.encode(), value.encode(), 0) for key, value in pairs])


def _changes(rows: pl.DataFrame) -> Iterator[list[Any]]:
    kinds = rows["$kind"].to_list()
    columns = [_plain(column) for column in rows.drop("$kind")]
    for kind, *values in zip(kinds, *columns, strict=True):
        yield [_KINDS[kind], *values]


def _plain(column: pl.Series) -> list[Any]:
    if column.dtype in (pl.Boolean, pl.String) or column.dtype.is_integer():
        return column.to_list()
    if isinstance(column.dtype, pl.Datetime):
        return column.dt.strftime("%Y-%m-%d %H:%M:%S%.6f").to_list()
    return column.cast(pl.String).to_list()


# --- Flink ----------------------------------------------------------------------------------------------------------


def flinks(flink: Flink, name: str, place: Place, settings: Mapping[str, str] | None = None) -> Result:
    """Flink's result over the topics of `place`; the query's INSERT runs as the SELECT in it."""
    *before, insert = statements(name, place)
    changes = flink.rows([*before, insert.removeprefix("INSERT INTO answer")], settings).rows
    key = key_places(name)
    return replaced(changes, key) if key else settled(changes)


def frames(events: int, settings: Settings) -> Events:
    """All events as three frames."""
    parts = list(blocks(events, settings))
    return Events(
        *(pl.concat([getattr(part, kind) for part in parts]) for kind in ("person", "auction", "bid"))
    )
