"""A series with disorder, gaps and nulls, through a real topic and a real pipeline: row for row what polars gives.

The made-up one is an industrial sensor's (seeded); the real one is NAB's machine temperature, where it is present.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic

from tests.app.running import Running, running

NAB = Path(__file__).parents[3] / "shared" / "data" / "nab" / "machine_temperature_system_failure.csv"
PARTITIONS = 3
LATE_S = 600
END = "2100-01-01 00:00:00.000"
SQL = """
CREATE TABLE {name} (`at` TIMESTAMP(3), reading DOUBLE, WATERMARK FOR `at` AS `at` - INTERVAL '{late}' SECOND)
  WITH ('connector' = 'kafka', 'topic' = '{name}', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
CREATE TABLE {name}_hourly (window_start TIMESTAMP(3), n BIGINT, mean DOUBLE, low DOUBLE, high DOUBLE,
  PRIMARY KEY (window_start) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = '{name}_hourly', 'key.format' = 'json', 'value.format' = 'json');
INSERT INTO {name}_hourly SELECT window_start, COUNT(reading), AVG(reading), MIN(reading), MAX(reading)
  FROM TABLE(TUMBLE(TABLE {name}, DESCRIPTOR(`at`), INTERVAL '1' HOUR)) GROUP BY window_start, window_end;
"""


def industrial() -> pl.DataFrame:
    """20,000 readings every 5 s: a daily swing, noise, one drift, gaps of hours, nulls, and disorder within LATE_S."""
    random = np.random.default_rng(7)
    at = np.arange(20_000) * 5.0 + 1_760_000_000
    at = at[(np.arange(20_000) // 1500) % 4 != 2]
    value = (
        60
        + 10 * np.sin(at / 86400 * 2 * np.pi)
        + random.normal(0, 1, len(at))
        + np.where(at > at[-2000], 15, 0)
    )
    frame = pl.DataFrame({"at": (at * 1e6).astype(np.int64), "reading": value.round(6)})
    frame = frame.with_columns(
        pl.col("at").cast(pl.Datetime("us")),
        pl.when(pl.Series(random.random(len(at)) < 0.05)).then(None).otherwise("reading").alias("reading"),
    )
    return frame[np.argsort(at + random.uniform(0, LATE_S * 0.9, len(at)))]


def machine_temperature() -> pl.DataFrame:
    if not NAB.exists():
        pytest.skip("the NAB data is not beside the checkout (../shared/data/nab)")
    frame = pl.read_csv(NAB, schema_overrides={"timestamp": pl.String})
    return frame.select(
        pl.col("timestamp").str.to_datetime(time_unit="us").alias("at"), pl.col("value").alias("reading")
    )


def expected(frame: pl.DataFrame) -> dict[str, tuple[object, ...]]:
    reading = pl.col("reading")
    rows = (
        frame.group_by(pl.col("at").dt.truncate("1h"))
        .agg(reading.count().cast(pl.Int64).alias("n"), reading.mean().alias("mean"), reading.min().alias("low"), reading.max().alias("high"))
        .sort("at")
    )  # fmt: skip
    return {f"{at:%Y-%m-%d %H:%M:%S}": (n, mean, low, high) for at, n, mean, low, high in rows.iter_rows()}


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, str, Path]]:
    folder = tmp_path_factory.mktemp("series")
    (folder / "pipelines").mkdir()
    with running("up", folder) as started:
        address = started.until(r"✓ broker +(\S+)")[1]
        started.until("running; Ctrl-C stops")
        yield started, address, folder


def send(address: str, topic: str, frame: pl.DataFrame) -> None:
    admin = AdminClient({"bootstrap.servers": address})
    # Kept for ever: these events are older than a topic's seven days.
    admin.create_topics([NewTopic(topic, PARTITIONS, 1, config={"retention.ms": "-1"})])[topic].result()
    producer, random = Producer({"bootstrap.servers": address, "linger.ms": 5}), np.random.default_rng(3)
    shown = frame.with_columns(pl.col("at").dt.strftime("%Y-%m-%d %H:%M:%S%.3f"))
    for row in shown.iter_rows(named=True):
        producer.produce(topic, json.dumps(row), partition=int(random.integers(PARTITIONS)))
        producer.poll(0)
    for partition in range(PARTITIONS):  # time goes on everywhere, so that the last window closes
        producer.produce(topic, json.dumps({"at": END, "reading": None}), partition=partition)
    assert producer.flush(30) == 0


def table(address: str, topic: str, count: int) -> dict[str, tuple[object, ...]]:
    """The newest row of each key, once there are `count` keys and nothing has come for a second."""
    consumer = Consumer({"bootstrap.servers": address, "group.id": topic, "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    rows: dict[str, tuple[object, ...]] = {}
    until_s, quiet_s = time.monotonic() + 60, time.monotonic()
    while time.monotonic() < until_s and (len(rows) < count or time.monotonic() - quiet_s < 1):
        for message in consumer.consume(1000, 0.2):
            if message.error() is None:
                row, quiet_s = json.loads(message.value()), time.monotonic()
                rows[row["window_start"][:19]] = (row["n"], row["mean"], row["low"], row["high"])
    consumer.close()
    return rows


@pytest.mark.parametrize("series", [industrial, machine_temperature], ids=lambda s: s.__name__)
def test_hourly_windows_over_a_topic_are_what_polars_gives_over_the_whole(
    series: object, up: tuple[Running, str, Path]
) -> None:
    assert callable(series)
    _, address, folder = up
    name, frame = series.__name__, series()
    wanted = expected(frame)
    send(address, name, frame)
    (folder / "pipelines" / f"{name}.sql").write_text(SQL.format(name=name, late=LATE_S))
    found = table(address, f"{name}_hourly", len(wanted))
    assert found.keys() == wanted.keys()
    for start, row in wanted.items():
        assert found[start] == pytest.approx(row, rel=1e-9, nan_ok=True), start
