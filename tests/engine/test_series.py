"""Real series with real gaps and disorder: NAB's, and one made up, row for row as polars over the whole."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from penstock.engine.job import Job
from penstock.engine.plan import Aggregate, Scan, Table, Watermark, Window
from penstock.engine.types import Column
from penstock.record import Record, encode
from tests.engine.streams import NOW, aggregation, collect, printed, same

NAB = Path(__file__).parents[3] / "shared" / "data" / "nab"
SCHEMA = (Column("timestamp", "TIMESTAMP(3)"), Column("value", "DOUBLE"))
WINDOWS = {"tumble": (3_600_000, 3_600_000), "hop": (7_200_000, 1_800_000)}


def plan_of(kind: str, late_ms: int) -> tuple[Job, Window]:
    size, slide = WINDOWS[kind]
    table = Table(
        "series",
        SCHEMA,
        {"connector": "kafka", "topic": "series", "format": "json"},
        (),
        Watermark("timestamp", late_ms),
    )
    window = Window(Scan(table), kind.upper(), "timestamp", size, slide)
    aggregates = (
        aggregation("n", "BIGINT", "COUNT(value)"), aggregation("mean", "DOUBLE", "AVG(value)"), aggregation("low", "DOUBLE", "MIN(value)"),
        aggregation("high", "DOUBLE", "MAX(value)"), aggregation("band", "DOUBLE", "STDDEV_SAMP(value)"), aggregation("rows", "BIGINT", "COUNT(*)"),
    )  # fmt: skip
    return Job(printed(Aggregate(window, ("window_start", "window_end"), aggregates, True))), window


def whole(frame: pl.DataFrame, window: Window) -> pl.DataFrame:
    micros, slide, size = pl.col("timestamp").cast(pl.Int64), window.slide_ms * 1000, window.size_ms * 1000
    starts = pl.concat_list([micros // slide * slide - n * slide for n in range(size // slide)])
    value = pl.col("value")
    made = (
        frame.with_columns(window_start=starts).explode("window_start").group_by("window_start")
        .agg(n=value.count().cast(pl.Int64), mean=value.mean(), low=value.min(), high=value.max(), band=value.std(), rows=pl.len().cast(pl.Int64))
    )  # fmt: skip
    return made.with_columns(
        pl.col("window_start").cast(pl.Datetime("us")),
        (pl.col("window_start") + size).cast(pl.Datetime("us")).alias("window_end"),
    ).select("window_start", "window_end", "n", "mean", "low", "high", "band", "rows")


def streamed(job: Job, frame: pl.DataFrame, seed: int, partitions: int) -> pl.DataFrame:
    """The frame as JSON records, dealt out to partitions, in batches of random sizes."""
    random = np.random.default_rng(seed)
    job.expect(0, range(partitions))
    shown = frame.with_columns(pl.col("timestamp").dt.strftime("%Y-%m-%d %H:%M:%S%.3f"))
    dealt: list[list[Record]] = [[] for _ in range(partitions)]
    outputs = []
    for number, row in enumerate(shown.iter_rows(named=True)):
        dealt[int(random.integers(0, partitions))].append(Record(None, json.dumps(row).encode(), number))
        if random.random() < 0.01:
            for partition in range(partitions):
                if dealt[partition]:
                    outputs += job.on_records(
                        0, partition, encode(dealt[partition], codec=int(random.choice([0, 3, 4]))), NOW
                    )
                    dealt[partition] = []
    for partition, records in enumerate(dealt):
        outputs += job.on_records(0, partition, encode(records), NOW) if records else []
    return collect(job, outputs + job.on_end(NOW)).drop("$kind")


@pytest.mark.parametrize("kind", WINDOWS)
@pytest.mark.parametrize(
    "name",
    ["machine_temperature_system_failure", "ambient_temperature_system_failure", "rogue_agent_key_updown"],
)
def test_windows_over_a_real_series_equal_polars_row_for_row(name: str, kind: str) -> None:
    path = NAB / f"{name}.csv"
    if not path.exists():
        pytest.skip(f"the data folder ../shared/data/nab is not there ({path.name})")
    frame = pl.read_csv(path).with_columns(pl.col("timestamp").str.to_datetime(time_unit="us"))
    behind = (frame["timestamp"].cum_max() - frame["timestamp"]).dt.total_milliseconds().max()
    job, window = plan_of(kind, int(behind or 0))
    same(streamed(job, frame, 1, 1), whole(frame, window))
    assert [op.late_rows for op in job.measures().operators] == [0, 0]


@pytest.mark.parametrize("kind", WINDOWS)
@pytest.mark.parametrize("seed", range(3))
def test_windows_over_an_industrial_series_with_gaps_and_nulls_equal_polars(kind: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    steps = np.where(random.random(4000) < 0.002, 20_000_000, random.integers(1000, 120_000, 4000))
    arrival = np.cumsum(steps) + 1_760_000_000_000
    value = 70 + np.sin(np.arange(4000) / 200) * 5 + random.normal(0, 0.5, 4000)
    frame = pl.DataFrame(
        {
            "timestamp": (arrival - random.integers(0, 300_000, 4000)) * 1000,
            "value": [
                None if hole else v
                for hole, v in zip(random.random(4000) < 0.03, value.tolist(), strict=True)
            ],
        }
    ).with_columns(pl.col("timestamp").cast(pl.Datetime("us")))
    job, window = plan_of(kind, 300_000)
    same(streamed(job, frame, seed, 3), whole(frame, window))
    assert [op.late_rows for op in job.measures().operators] == [0, 0]
