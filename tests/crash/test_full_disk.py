"""A disk without room: writes are refused with a reason, reads go on, and all is well again once there is room."""

import resource
import time
from pathlib import Path

import pytest
from bench.amqp.peer import Peer, message

from penstock.testing.processes import BrokerProcess
from tests.differential.asking import Connection, batch, create, fetch, produce

STORAGE_ERROR = 56
LIMIT = 512 * 1024


def limit(broker: BrokerProcess, size: int) -> None:
    """No file of the broker's may grow above `size`: to it, that is a full disk (EFBIG)."""
    assert broker.process is not None
    hard = resource.prlimit(broker.process.pid, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(broker.process.pid, resource.RLIMIT_FSIZE, (size, hard))


@pytest.mark.parametrize("fsync", ["always", "never"])
def test_a_full_disk_refuses_writes_serves_reads_and_recovers_by_itself(tmp_path: Path, fsync: str) -> None:
    with BrokerProcess(tmp_path / "data", fsync) as broker:
        c = Connection(broker.address)
        create(c, "t")
        assert produce(c, "t", batch(b"before"))["error_code"] == 0
        limit(broker, LIMIT)
        codes = [produce(c, "t", batch(b"x" * 60_000))["error_code"] for _ in range(15)]
        assert codes[0] == 0 and codes[-1] == STORAGE_ERROR and set(codes) == {0, STORAGE_ERROR}
        written = codes.count(0)
        assert fetch(c, "t", 0)["values"][0] == (0, b"before")
        time.sleep(0.5)  # timers, retention and checkpoints meet the full disk too
        assert [produce(c, "t", batch(b"x" * 60_000))["error_code"] for _ in range(3)] == [STORAGE_ERROR] * 3
        limit(broker, resource.RLIM_INFINITY)
        after = produce(c, "t", batch(b"after"))
        assert (after["error_code"], after["base_offset"]) == (0, written + 1)
        assert fetch(c, "t", written + 1)["values"] == [(written + 1, b"after")]
        broker.kill()
        broker.start()
        c = Connection(broker.address)
        assert fetch(c, "t", written + 1)["values"] == [(written + 1, b"after")]


def test_a_full_disk_refuses_new_topics_and_commits_too(tmp_path: Path) -> None:
    with BrokerProcess(tmp_path / "data") as broker:
        c = Connection(broker.address)
        create(c, "t")
        limit(broker, 0)
        part = {"partition_index": 0, "committed_offset": 4, "committed_leader_epoch": -1}
        commit = {"group_id": "g", "member_id": "", "generation_id_or_member_epoch": -1, "group_instance_id": None,
                  "topics": [{"name": "t", "partitions": [part]}]}  # fmt: skip
        assert create(c, "u")["error_code"] == STORAGE_ERROR
        assert c.ask(8, 7, **commit)["topics"][0]["partitions"][0]["error_code"] == 15
        limit(broker, resource.RLIM_INFINITY)
        assert create(c, "u")["error_code"] == 0
        assert c.ask(8, 7, **commit)["topics"][0]["partitions"][0]["error_code"] == 0


def test_who_publishes_to_a_queue_without_confirms_loses_his_connection_at_once(tmp_path: Path) -> None:
    with BrokerProcess(tmp_path / "data", words=("--amqp", "127.0.0.1:0")) as broker:
        peer = Peer(broker.ready["amqp"])
        peer.declare("q")
        limit(broker, LIMIT)
        peer.socket.sendall(message("q", 120_000) * 3)
        assert peer.declare("q", passive=True) == 3
        peer.declare("other")  # answered when that and what was before is on disk
        peer.socket.sendall(message("q", 120_000) * 3)
        with pytest.raises(ConnectionError, match=r"connection\.close: RESOURCE_ERROR - "):
            peer._next()
        limit(broker, resource.RLIM_INFINITY)
        peer = Peer(broker.ready["amqp"])
        peer.socket.sendall(message("q", 120_000))
        assert 4 <= peer.declare("q", passive=True) < 7
