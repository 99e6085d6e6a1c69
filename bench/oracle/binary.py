"""Freeze what Flink reads and writes as Avro and Protobuf where arrays and maps are: python -m bench.oracle.binary

Writes tests/engine/flink_binary.json: for each format the values that Flink writes for the rows of WRITTEN, as hexadecimal digits, and
the rows, as JSON, that it reads out of the values of READ.
"""

import asyncio
import json
import tempfile
from pathlib import Path

from bench.oracle import flink, protobuf
from penstock.client import Client
from penstock.engine.formats.chunks import Chunk, read_chunks
from penstock.record import Record
from penstock.testing.processes import BrokerProcess

FROZEN = Path(__file__).parents[2] / "tests" / "engine" / "flink_binary.json"
PROTO = """syntax = "proto3";
package frozen;
option java_package = "frozen";
option java_multiple_files = true;
message Lists {
  repeated int32 a = 1; repeated string t = 2; repeated Part p = 3; map<string, int64> m = 4; map<int32, Part> n = 5; Part r = 6; int32 z = 7;
  message Part { int32 x = 1; repeated int32 y = 2; string s = 3; }
}
"""
_PART = "ROW<x INT, y ARRAY<INT>, s STRING>"
COLUMNS = {
    "avro": "a ARRAY<INT>, t ARRAY<ARRAY<STRING>>, p ARRAY<ROW<x INT, m MAP<STRING, INT>>>, m MAP<STRING, BIGINT>, d ARRAY<DECIMAL(6, 2)>, "
    "z INT",
    "protobuf": f"a ARRAY<INT>, t ARRAY<STRING>, p ARRAY<{_PART}>, m MAP<STRING, BIGINT>, n MAP<INT, {_PART}>, r {_PART}, z INT",
}
_NO_PART = f"CAST(NULL AS {_PART})"
_NO_INT, _NO_TEXT = "CAST(NULL AS INT)", "CAST(NULL AS STRING)"
# Of a literal like ARRAY[ARRAY['x', NULL]] Flink 2.3 makes an empty text before the format sees it: that is asked by READ.
WRITTEN = {
    "avro": (
        f"ARRAY[1, {_NO_INT}, -300], ARRAY[ARRAY['x', ''], CAST(NULL AS ARRAY<STRING>)], ARRAY[ROW(7, MAP['k', 1]), "
        "CAST(NULL AS ROW<x INT, m MAP<STRING, INT>>)], MAP['key', CAST(NULL AS BIGINT)], ARRAY[1.5, -0.01], 1",
        "CAST(NULL AS ARRAY<INT>), CAST(NULL AS ARRAY<ARRAY<STRING>>), CAST(NULL AS ARRAY<ROW<x INT, m MAP<STRING, INT>>>), "
        "CAST(NULL AS MAP<STRING, BIGINT>), CAST(NULL AS ARRAY<DECIMAL(6, 2)>), 2",
    ),
    "protobuf": (
        f"ARRAY[1, {_NO_INT}, 300], ARRAY['a', {_NO_TEXT}, ''], ARRAY[ROW(1, ARRAY[2, 3], 'x'), {_NO_PART}], MAP['k', CAST(NULL AS BIGINT)], "
        f"MAP[0, ROW(4, CAST(NULL AS ARRAY<INT>), {_NO_TEXT})], ROW(5, ARRAY[0], ''), 1",
        f"CAST(NULL AS ARRAY<INT>), CAST(NULL AS ARRAY<STRING>), CAST(NULL AS ARRAY<{_PART}>), CAST(NULL AS MAP<STRING, BIGINT>), "
        f"CAST(NULL AS MAP<INT, {_PART}>), {_NO_PART}, 2",
        f"CAST(NULL AS ARRAY<INT>), ARRAY[{_NO_TEXT}], CAST(NULL AS ARRAY<{_PART}>), MAP[{_NO_TEXT}, CAST(1 AS BIGINT)], MAP[7, {_NO_PART}], "
        f"ROW(0, CAST(NULL AS ARRAY<INT>), {_NO_TEXT}), 3",
    ),
}
READ = {
    # Blocks that say their size, several of them, none; a key twice.
    "avro": (
        "02 03 06 02 02 00 02 02 04 00" "02 02 02 04 02 02 78 00 00 00" "00" "02 02 02 61 02 02 03 0e 02 62 00 02 61 02 0e 00" "00" "02 02",
        "02 00" "02 02 02 00 02 00 00" "02 02 02 02 06 02 00 00" "02 00" "02 01 06 02 02 64 00" "02 04",
        "00 00 00 00 00 02 06",
    ),
    # Packed and not, nothing packed, a message in pieces, pairs that lack a key or value, a key twice.
    "protobuf": (
        "08 01 0a 02 02 03 08 04 38 01", "0a 00 38 02", "32 03 12 01 01 32 05 08 07 12 01 02 38 03",
        "22 03 0a 01 61 22 02 10 07 2a 02 08 05 2a 00 38 04", "22 05 0a 01 61 10 01 22 05 0a 01 62 10 02 22 05 0a 01 61 10 03 38 05",
        "1a 00 1a 02 10 09 12 00 38 06",
    ),
}  # fmt: skip


def table(name: str, columns: str, address: str, form: str) -> str:
    """A table over the topic of its name, which ends where the topic does."""
    more = ", 'protobuf.message-class-name' = 'frozen.Lists'" if form == "protobuf" else ""
    return (
        f"CREATE TABLE {name} ({columns}) WITH ('connector' = 'kafka', 'topic' = '{name}', 'properties.bootstrap.servers' = '{address}',"
        f" 'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset', 'format' = '{form}'{more})"
    )


async def put(address: str, topic: str, values: list[bytes]) -> None:
    """A topic with these values."""
    async with Client(address) as client:
        await client.create_topic(topic, 1)
        await client.produce(topic, [Record(None, value, 0) for value in values], 0)


async def values_of(address: str, topic: str) -> list[bytes]:
    """All values of a topic."""
    found: list[bytes] = []
    async with Client(address) as client:
        end = (await client.offsets(topic))[0]
        reader = client.reader({(topic, 0): 0})
        while len(found) < end:
            for fetched in await reader.read():
                for chunk in read_chunks(fetched.batches, 1 << 16, 1 << 24):
                    assert isinstance(chunk, Chunk)
                    found += [chunk.value(row) or b"" for row in range(len(chunk))]
    return found


def main() -> None:
    """Ask for all, and write."""
    frozen: dict[str, dict[str, list[object]]] = {}
    with tempfile.TemporaryDirectory() as folder, BrokerProcess(Path(folder, "data")) as broker:
        proto = Path(folder, "frozen.proto")
        proto.write_text(PROTO)
        with flink.running(more=protobuf.class_path(proto)) as sql:
            for form, columns in COLUMNS.items():
                told, source, shown = (f"{form}_{name}" for name in ("written", "read", "shown"))
                asyncio.run(put(broker.address, told, []))
                rows = ", ".join(f"({row})" for row in WRITTEN[form])
                sql.run([table(told, columns, broker.address, form), f"INSERT INTO {told} VALUES {rows}"])
                asyncio.run(put(broker.address, source, [bytes.fromhex(value) for value in READ[form]]))
                asyncio.run(put(broker.address, shown, []))
                # JSON's maps have texts for keys.
                listed = columns.replace(f"n MAP<INT, {_PART}>", f"n ARRAY<ROW<key INT, `value` {_PART}>>")
                chosen = "a, t, p, m, MAP_ENTRIES(n), r, z" if form == "protobuf" else "*"
                tables = [
                    table(source, columns, broker.address, form),
                    table(shown, listed, broker.address, "json"),
                ]
                sql.run([*tables, f"INSERT INTO {shown} SELECT {chosen} FROM {source}"])
                values = asyncio.run(values_of(broker.address, told))
                rows_read = asyncio.run(values_of(broker.address, shown))
                frozen[form] = {
                    "written": [value.hex() for value in values],
                    "read": [json.loads(value) for value in rows_read],
                }
    texts = (f"{json.dumps(form)}: {json.dumps(found)}" for form, found in frozen.items())
    FROZEN.write_text("{\n" + ",\n".join(texts) + "\n}\n")


if __name__ == "__main__":
    main()
