"""Two or three inputs that only grow, or change, at random; what a query over them must give in the end.

A script is run through a job in random cuts, with a snapshot restored into a fresh job on the way, and its changes
are folded: taking back what was never given fails. The expected answer is worked out from the whole inputs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from penstock.clock import Now
from penstock.engine.job import Job
from penstock.sql import parse
from tests.engine.keeping import Keeper
from tests.engine.streams import folded

START = datetime(2026, 1, 1)
NOW = Now(100.0, 1_795_345_200_123)
Row = tuple[object, ...]

GROWING = "WITH ('connector'='kafka','topic'='{name}','format'='json')"
CHANGING = "WITH ('connector'='upsert-kafka','topic'='{name}','key.format'='json','value.format'='json')"


@dataclass
class Input:
    """One table (id, k, v, t); ids of a changing one come again, and some rows are deleted."""

    name: str
    changes: bool = False
    rows: list[tuple[Row, int]] = field(default_factory=list)

    @property
    def ddl(self) -> str:
        """The table's declaration."""
        if self.changes:
            return (
                f"CREATE TABLE {self.name} (id BIGINT, k BIGINT, v STRING, t TIMESTAMP(3),"
                f" PRIMARY KEY (id) NOT ENFORCED) {CHANGING.format(name=self.name)};"
            )
        return (
            f"CREATE TABLE {self.name} (id BIGINT, k BIGINT, v STRING, t TIMESTAMP(3),"
            f" WATERMARK FOR t AS t - INTERVAL '2' SECOND) {GROWING.format(name=self.name)};"
        )

    def fill(self, random: np.random.Generator, count: int) -> None:
        """Random rows in order of arrival: few keys, some null, times at most two seconds out of order."""
        for number in range(count):
            ident = int(random.integers(0, 12)) if self.changes else number
            key = None if random.random() < 0.1 else int(random.integers(0, 5))
            value = None if random.random() < 0.1 else "abc"[int(random.integers(0, 3))]
            at = START + timedelta(seconds=number * 0.5, milliseconds=-int(random.integers(0, 2000)))
            kind = 3 if self.changes and random.random() < 0.2 else 0
            self.rows.append(((ident, key, value, at), kind))

    @property
    def whole(self) -> list[Row]:
        """The rows that stand in the end."""
        if not self.changes:
            return [row for row, _ in self.rows]
        held: dict[object, Row] = {}
        for row, kind in self.rows:
            held.pop(row[0], None)
            if kind == 0:
                held[row[0]] = row
        return list(held.values())


SCHEMA = {"id": pl.Int64, "k": pl.Int64, "v": pl.String, "t": pl.Datetime("us"), "$kind": pl.Int8}


def answer(inputs: Sequence[Input], out: str, query: str, seed: int) -> tuple[list[Row], bool]:
    """What a query gives in the end, as sorted rows; and whether it ever took something back."""
    random = np.random.default_rng(seed)
    script = "".join(i.ddl for i in inputs) + f"CREATE TABLE o ({out}) WITH ('connector'='print');"
    plan = parse(f"{script} INSERT INTO o {query};")
    job = Job(plan)
    names = {source.table.name: source.index for source in job.sources}
    for index in names.values():
        job.expect(index, [0])
    at, keeper = dict.fromkeys((i.name for i in inputs), 0), Keeper()
    frames: list[pl.DataFrame] = []
    while any(at[i.name] < len(i.rows) for i in inputs):
        one = inputs[int(random.integers(0, len(inputs)))]
        size = int(random.choice([1, 3, 20]))
        part = one.rows[at[one.name] : at[one.name] + size]
        at[one.name] += len(part)
        if part and one.name in names:
            frame = pl.DataFrame([(*row, kind) for row, kind in part], schema=SCHEMA, orient="row")
            made = job.on_rows(names[one.name], 0, frame if one.changes else frame.drop("$kind"), NOW)
            frames += [output.rows for output in made]
        if random.random() < 0.3:
            keeper.keep(job)
            job = keeper.again(plan) if random.random() < 0.5 else job
    frames += [output.rows for output in job.on_end(NOW)]
    if not frames:
        return [], False
    changes = pl.concat(frames)
    return folded(changes), bool((changes["$kind"] != 0).any())


def joined(left: Sequence[Row], right: Sequence[Row], how: str, on: Callable[[Row, Row], bool]) -> list[Row]:
    """The join of two whole tables, by trying every pair."""
    pairs = [(a, b) for a in left for b in right if on(a, b)]
    met_left, met_right = {a for a, _ in pairs}, {b for _, b in pairs}
    if how == "SEMI":
        return [a for a in left if a in met_left]
    if how == "ANTI":
        return [a for a in left if a not in met_left]
    made = [(*a, *b) for a, b in pairs]
    if how in ("LEFT", "FULL"):
        made += [(*a, *(None,) * 4) for a in left if a not in met_left]
    if how in ("RIGHT", "FULL"):
        made += [(*(None,) * 4, *b) for b in right if b not in met_right]
    return made


def filled(seed: int, count: int, **changes: bool) -> list[Input]:
    """Inputs by name, filled."""
    random = np.random.default_rng(seed)
    inputs = [Input(name, changing) for name, changing in changes.items()]
    for one in inputs:
        one.fill(random, count)
    return inputs


def ordered(rows: Sequence[Row]) -> list[Row]:
    """As `answer` has them."""
    return sorted(rows, key=repr)
