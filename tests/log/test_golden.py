"""Data directories that an earlier penstock wrote open for ever, and today's format is still theirs."""

import shutil
from pathlib import Path

import pytest
from tests.log.golden.write import NOW, OPTIONS, main, record

from penstock.later import finish
from penstock.log import Log, RealDisk
from penstock.record import decode

GOLDEN = Path(__file__).parent / "golden"
PARTS = [("plain", 0, 0), ("plain", 1, 50), ("packed", 0, 0), ("_internal", 0, 0)]


@pytest.mark.parametrize("version", sorted(p.name for p in GOLDEN.glob("v*")))
@pytest.mark.parametrize(("kind", "ends"), [("clean", (120, 120)), ("crashed", (123, 122))])
def test_every_golden_directory_opens_with_all_its_records(version, kind, ends, tmp_path):
    shutil.copytree(GOLDEN / version / kind, tmp_path / "data")
    log = Log.open(RealDisk(tmp_path / "data"), OPTIONS, NOW)
    assert log.cluster_id == "AAAAAAAAAAAAAAAAAAAAAQ"
    assert log.topics["plain"].topic_id == (2).to_bytes(16, "big")
    assert log.topics["_internal"].internal and log.topics["_internal"].settings.compacts
    assert log.topics["plain"].configs == {"retention.ms": "-1"}
    for topic, number, start in PARTS:
        partition = log.topics[topic].partitions[number]
        end = ends[number] if topic == "plain" else 120
        assert (partition.start_offset, partition.end_offset, partition.durable_offset) == (start, end, end)
        found, offset = [], start
        while offset < end:
            found += [r for r in decode(partition.read(offset, 5000, end=end)) if r.offset >= start]
            offset = found[-1].offset + 1
        assert [(r.offset, r.key, r.value, r.timestamp_ms, r.headers) for r in found] == [
            (n, r.key, r.value, r.timestamp_ms, r.headers) for n in range(start, end) for r in [record(n)]
        ]
        assert finish(partition.find(NOW.wall_ms + 995)) == (100, NOW.wall_ms + 1000)
        assert finish(partition.find_youngest()) == (end - 1, NOW.wall_ms + (end - 1) * 10)
    log.close(NOW)


def test_todays_format_is_the_newest_golden_one_byte_for_byte(tmp_path):
    main(tmp_path)
    newest = max(GOLDEN.glob("v*"), key=lambda path: int(path.name[1:]))
    names = {p.relative_to(newest) for p in newest.rglob("*") if p.is_file()}
    assert {p.relative_to(tmp_path) for p in tmp_path.rglob("*") if p.is_file()} == names
    for name in names:
        if "packed-0" in name.parts or name.name in ("journal", "checkpoint"):
            continue  # a codec's library may pack otherwise one day
        assert (newest / name).read_bytes() == (tmp_path / name).read_bytes(), name
