"""Apache Kafka's own tool reads our segments and finds nothing wrong with their indexes."""

import subprocess

import pytest
from bench.oracle import kafka as oracle
from tests.log.test_partitions import NOW, sync

from penstock.compression import CODEC_NAMES
from penstock.log import Log, LogOptions, RealDisk
from penstock.record import Record, check, encode


def dump(folder, *arguments):
    command = ["java", "-cp", oracle.assemble(), "org.apache.kafka.tools.DumpLogSegments", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


@pytest.mark.java
@pytest.mark.skipif(bool(oracle.missing()), reason=oracle.missing())
def test_kafka_dump_log_reads_what_we_wrote(tmp_path):
    log = Log.open(RealDisk(tmp_path), LogOptions(segment_bytes=50_000), NOW)
    (one,) = log.create_topic("t", 1, {}, NOW).partitions
    for number in range(900):
        records = [
            Record(b"k", b"v" * (number % 90), NOW.wall_ms + number * 10 - turn * 77) for turn in range(4)
        ]
        batch = bytearray(encode(records, codec=number % len(CODEC_NAMES)))
        one.append(batch, check(batch, bytes_max=1 << 20), NOW)
    sync(log)
    log.close(NOW)
    folder = tmp_path / "t-0"
    logs, indexes, times = (
        sorted(p.name for p in folder.glob(f"*{kind}")) for kind in (".log", ".index", ".timeindex")
    )
    assert len(logs) == len(indexes) == len(times) == 3
    lines = dump(folder, "--deep-iteration", "--files", ",".join(logs)).splitlines()
    found = [int(line.split()[2]) for line in lines if line.startswith("| offset:")]
    assert found == list(range(3600))
    assert not any("isvalid: false" in line for line in lines)
    for files in (indexes, times):
        text = dump(folder, "--files", ",".join(files))
        assert "Mismatches" not in text and "out of order" not in text and "Found" not in text
        assert text.count("offset:") > 20
        checked = dump(folder, "--index-sanity-check", "--files", ",".join(files))
        assert checked.count("passed sanity check") == 3
