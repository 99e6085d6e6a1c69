"""A small simulated penstock: what happens in it, second by second.

Knows telemetry, windows, bands and alerts; knows nothing of HTTP. `step` moves it to the given wall clock; all else is read.
"""

import math
import random
from collections import deque
from dataclasses import dataclass, field
from typing import Any

MACHINE_SQL = """-- This computer as industrial equipment: ten readings a second and sensor.
CREATE TABLE readings (
  machine STRING, sensor STRING, unit STRING, reading DOUBLE, `at` TIMESTAMP(3),
  WATERMARK FOR `at` AS `at` - INTERVAL '0.3' SECOND
) WITH ('connector' = 'kafka', 'topic' = 'readings', 'format' = 'json');

-- One row a sensor, renewed with each window.
INSERT INTO machine_now
SELECT sensor, MAX(unit), AVG(reading) AS mean, MIN(reading), MAX(reading), COUNT(*), window_end
-- Change '1' to '5' and save: the chart takes longer steps.
FROM TABLE(TUMBLE(TABLE readings, DESCRIPTOR(`at`), INTERVAL '1' SECOND))
GROUP BY sensor, window_start, window_end;

INSERT INTO alerts
SELECT n.sensor, n.mean, b.high FROM machine_now n JOIN machine_band b ON n.sensr = b.sensor;
"""
SENSORS = {
    "cpu": "%", "cpu.0": "%", "cpu.1": "%", "cpu.2": "%", "cpu.3": "%", "memory": "%", "load": "",
    "disk.read": "MB/s", "disk.write": "MB/s", "net.in": "MB/s", "net.out": "MB/s",
}  # fmt: skip


def stamp(at_ms: int) -> str:
    """An SQL timestamp in UTC, as the JSON format writes it."""
    from datetime import UTC, datetime

    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


@dataclass
class Topic:
    """One topic: every record kept, newest last."""

    name: str
    partitions: int = 1
    configs: dict[str, str] = field(
        default_factory=lambda: {"retention.ms": "604800000", "cleanup.policy": "delete"}
    )
    records: list[deque[dict[str, Any]]] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    rates: deque[float] = field(default_factory=lambda: deque(maxlen=60))
    fresh: int = 0
    bytes: int = 0

    def __post_init__(self) -> None:
        self.records = [deque(maxlen=5000) for _ in range(self.partitions)]
        self.ends = [0] * self.partitions

    def append(self, record: dict[str, Any], partition: int = 0) -> dict[str, int]:
        offset = self.ends[partition]
        row = {"partition": partition, "offset": offset, "headers": [], "state": "committed", **record}
        row["encoding"] = {"key": "null" if row.get("key") is None else "utf8", "value": "utf8"}
        self.records[partition].append(row)
        self.ends[partition] += 1
        self.fresh += 1
        self.bytes += len(row.get("value") or "") + 60
        return {"partition": partition, "offset": offset}

    @property
    def internal(self) -> bool:
        return self.name.startswith(("_", "__"))


@dataclass
class Table:
    """A live table: rows by key, and the changes with their sequence numbers."""

    name: str
    key: list[str]
    columns: list[dict[str, str]]
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    changes: deque[tuple[int, str, dict[str, Any]]] = field(default_factory=lambda: deque(maxlen=4000))
    sequence: int = 0
    at_ms: int = 0
    rates: deque[float] = field(default_factory=lambda: deque(maxlen=60))
    fresh: int = 0

    def upsert(self, row: dict[str, Any], at_ms: int) -> None:
        key = ",".join(str(row[name]) for name in self.key)
        self.rows[key] = row
        self.sequence += 1
        self.fresh += 1
        self.at_ms = at_ms
        change = {"kind": "upsert", "key": {k: row[k] for k in self.key}, "row": row, "at_ms": at_ms}
        self.changes.append((self.sequence, key, change))


def columns(**kinds: str) -> list[dict[str, str]]:
    return [{"name": name, "kind": kind.replace("_", " ")} for name, kind in kinds.items()]


class World:
    """All of it."""

    def __init__(self, now_ms: int, seed: int = 7) -> None:
        self.random = random.Random(seed)
        self.now_ms = self.started_ms = now_ms
        self.next_ms, self.next_second_ms = now_ms, now_ms
        self.load_until_ms = 0
        self.trouble = True
        self.restarts = 3
        self.failed_at_ms = now_ms - 42_000
        self.window: dict[str, list[float]] = {}
        self.past: dict[str, deque[float]] = {sensor: deque(maxlen=30) for sensor in SENSORS}
        self.topics = {
            t.name: t
            for t in (
                Topic("readings"), Topic("orders", 6), Topic("empty"), Topic("machine_now"), Topic("machine_band"),
                Topic("alerts"), Topic("_penstock.workers"), Topic("_penstock.metrics"), Topic("__consumer_offsets"),
            )
        }  # fmt: skip
        now_columns = columns(sensor="STRING", unit="STRING", mean="DOUBLE", low="DOUBLE", high="DOUBLE", n="BIGINT",
                              window_end="TIMESTAMP(3)")  # fmt: skip
        band_columns = columns(
            sensor="STRING", mean="DOUBLE", low="DOUBLE", high="DOUBLE", window_end="TIMESTAMP(3)"
        )
        alert_columns = columns(
            sensor="STRING", window_end="TIMESTAMP(3)", reading="DOUBLE", low="DOUBLE", high="DOUBLE"
        )
        self.tables = {
            "machine_now": Table("machine_now", ["sensor"], now_columns),
            "machine_band": Table("machine_band", ["sensor"], band_columns),
            "alerts": Table("alerts", ["sensor", "window_end"], alert_columns),
        }

    def reading(self, sensor: str, at_ms: int) -> float:
        t = at_ms / 1000
        noise = self.random.gauss(0, 1)
        loaded = at_ms < self.load_until_ms
        if sensor.startswith("cpu"):
            core = int(sensor[4:]) if "." in sensor else 9
            calm = 14 + 3 * math.sin(t / 17 + core) + 1.6 * noise
            lift = (84 if core == 2 else 21 if core == 9 else 0) if loaded else 0
            return max(0.0, min(100.0, calm + lift))
        if sensor == "memory":
            return 61 + math.sin(t / 50) + 0.05 * noise
        if sensor == "load":
            return max(0.0, 0.8 + 0.2 * math.sin(t / 30) + (1 if loaded else 0) + 0.02 * noise)
        return max(0.0, 2.4 + 2 * math.sin(t / 9 + len(sensor)) + abs(noise))

    def step(self, now_ms: int) -> None:
        """Everything that is due until `now_ms`."""
        self.now_ms = now_ms
        while self.next_ms <= now_ms:
            self.tick(self.next_ms)
            self.next_ms += 100
            if self.next_ms >= self.next_second_ms + 1000:
                self.next_second_ms += 1000
                self.second(self.next_second_ms)

    def tick(self, at_ms: int) -> None:
        for sensor, unit in SENSORS.items():
            value = round(self.reading(sensor, at_ms), 2)
            self.window.setdefault(sensor, []).append(value)
            text = f'{{"machine":"host","sensor":"{sensor}","unit":"{unit}","reading":{value},"at":"{stamp(at_ms)}"}}'
            self.topics["readings"].append({"key": sensor, "value": text, "timestamp_ms": at_ms})
        for _ in range(self.random.randint(0, 3)):
            self.order(at_ms)

    def order(self, at_ms: int) -> None:
        number = self.random.randint(10_000, 99_999)
        hostile = "<b onmouseover=alert(1)>&amp;</b>" if number % 50 == 0 else "Muñoz & Søn"
        value = f'{{"id":{9_007_199_254_740_993 + number},"customer":"{hostile}","lines":[{{"sku":"A-{number % 97}","n":2}}],"total":{number / 100}}}'
        headers = [["trace-id", f"{number:08x}"], ["content-type", "application/json"]]
        self.topics["orders"].append(
            {"key": f"c-{number % 400}", "value": value, "timestamp_ms": at_ms, "headers": headers},
            number % 6,
        )

    def second(self, at_ms: int) -> None:
        for sensor, values in self.window.items():
            mean, past = sum(values) / len(values), self.past[sensor]
            row = {"sensor": sensor, "unit": SENSORS[sensor], "mean": round(mean, 3), "low": min(values),
                   "high": max(values), "n": len(values), "window_end": stamp(at_ms)}  # fmt: skip
            self.emit("machine_now", row, at_ms)
            if len(past) >= 5:
                middle = sum(past) / len(past)
                spread = max(2.5, 4.5 * math.sqrt(sum((v - middle) ** 2 for v in past) / len(past)))
                low, high = round(middle - spread, 3), round(middle + spread, 3)
                self.emit("machine_band", {"sensor": sensor, "mean": round(middle, 3), "low": low, "high": high,
                                           "window_end": stamp(at_ms)}, at_ms)  # fmt: skip
                if mean > high and sensor.startswith("cpu"):
                    self.emit("alerts", {"sensor": sensor, "window_end": stamp(at_ms), "reading": round(mean, 3),
                                         "low": low, "high": high}, at_ms)  # fmt: skip
            past.append(mean)
        self.window = {}
        for part in (*self.topics.values(), *self.tables.values()):
            part.rates.append(float(part.fresh))
            part.fresh = 0

    def emit(self, name: str, row: dict[str, Any], at_ms: int) -> None:
        import json

        self.tables[name].upsert(row, at_ms)
        key = json.dumps({k: row[k] for k in self.tables[name].key})
        self.topics[name].append({"key": key, "value": json.dumps(row), "timestamp_ms": at_ms})
