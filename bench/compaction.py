"""What compaction costs those who write meanwhile: acks of single records, with and without a topic being compacted.

python -m bench.compaction [megabytes]
"""

import json
import platform
import re
import sys
import tempfile
import time
from pathlib import Path

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewTopic

from penstock.testing.processes import BrokerProcess

PROBE_HZ = 200


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def probe(address: str, seconds: float) -> dict[str, float]:
    """Latencies of acks=all single records at an even pace, in milliseconds, from the moment they were due."""
    producer = Producer({"bootstrap.servers": address, "linger.ms": 0, "acks": "all"})
    took: list[float] = []
    begun = time.perf_counter()
    for number in range(int(seconds * PROBE_HZ)):
        due = begun + number / PROBE_HZ
        while (left := due - time.perf_counter()) > 0:
            producer.poll(left)
        producer.produce(
            "probe", b"x" * 100, on_delivery=lambda *_, due=due: took.append(time.perf_counter() - due)
        )
    producer.flush()
    return {f"p{share * 100:g}_ms": round(percentile(took, share) * 1000, 2) for share in (0.5, 0.99, 0.999)}


def fill(address: str, megabytes: int) -> None:
    producer = Producer(
        {"bootstrap.servers": address, "linger.ms": 20, "queue.buffering.max.messages": 500_000}
    )
    for number in range(megabytes * 10_000):
        key = b"%d" % (number * 7919 % 50_000)
        while True:
            try:
                producer.produce("compacted", b"v" * 90, key)
                break
            except BufferError:
                producer.poll(0.05)
    producer.flush()


def main() -> None:
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    found: dict[str, object] = {"machine": platform.platform(), "megabytes": megabytes}
    with tempfile.TemporaryDirectory() as home, BrokerProcess(Path(home)) as broker:
        admin = AdminClient({"bootstrap.servers": broker.address})
        small = {
            "cleanup.policy": "compact",
            "segment.bytes": str(16 << 20),
            "min.cleanable.dirty.ratio": "1",
        }
        for future in admin.create_topics(
            [NewTopic("probe", 1), NewTopic("compacted", 1, config=small)]
        ).values():
            future.result()
        fill(broker.address, megabytes)
        folder = Path(home, "compacted-0")
        found["bytes_before"] = sum(path.stat().st_size for path in folder.glob("*.log"))
        found["without"] = probe(broker.address, 8)
        now = ConfigEntry("min.cleanable.dirty.ratio", "0", incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ConfigResource.Type.TOPIC, "compacted", incremental_configs=[now])
        admin.incremental_alter_configs([resource])[resource].result()
        begun = time.perf_counter()
        rounds = []
        while not (folder / "compaction").exists() or not done(folder):
            rounds.append(probe(broker.address, 4))
            if time.perf_counter() - begun > 300:
                break
        found["while_compacting"] = rounds
        found["compaction_s"] = round(time.perf_counter() - begun, 1)
        found["bytes_after"] = sum(path.stat().st_size for path in folder.glob("*.log"))
    print(json.dumps(found, indent=1))


def done(folder: Path) -> bool:
    mark = json.loads((folder / "compaction").read_text())
    return (
        re.search("swap|cleaned", " ".join(p.name for p in folder.iterdir())) is None
        and mark["clean"] == mark["gaps"]
    )


if __name__ == "__main__":
    main()
