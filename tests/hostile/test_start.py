"""Starting where something is wrong: an error that names the remedy, or a recovery that says what it did.

Data directories are damaged between two runs of a real broker; every record acknowledged before must be there again,
unless its very bytes were damaged.
"""

import contextlib
import json
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from penstock.testing.processes import BrokerProcess
from tests.hostile import wire
from tests.hostile.siege import Bounds, siege
from tests.hostile.wire import Line

RECORDS = 20


def broker(data_dir: Path, kafka: str = "127.0.0.1:0") -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "penstock.app.broker", "--data-dir", str(data_dir), "--kafka", kafka]
    pipe = subprocess.PIPE
    return subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


@dataclass
class Started:
    """What became of a start: the address (empty where it failed), and all that was said."""

    address: str
    code: int | None
    said: str = ""


@contextlib.contextmanager
def started(data_dir: Path, kafka: str = "127.0.0.1:0") -> Iterator[Started]:
    """A start that may fail; `said` is complete after the block."""
    process = broker(data_dir, kafka)
    assert process.stdout is not None
    line = process.stdout.readline()
    found = Started(line.partition("kafka=")[2].strip(), None)
    try:
        yield found
    finally:
        process.terminate()
        found.said = process.communicate(timeout=20)[1]
        found.code = process.returncode


def refused(data_dir: Path, kafka: str = "127.0.0.1:0") -> str:
    """What a start says that must end with a clear error: exit code 2, a remedy, and no trace of the program."""
    with started(data_dir, kafka) as found:
        assert not found.address, "it started all the same"
    assert found.code == 2, found.said
    assert "Traceback" not in found.said
    assert "\n  " in found.said, f"no remedy in: {found.said}"
    return found.said


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory of a broker that was stopped in order."""
    data_dir = tmp_path_factory.mktemp("stopped") / "data"
    with BrokerProcess(data_dir) as process, Line(process.address) as line:
        line.ask(wire.metadata(["kept"]))
        for number in range(RECORDS):
            line.ask(wire.produce("kept", wire.one_record(b"record %d." % number)))
        line.ask(wire.commit("committed", "kept"))
    return data_dir


@pytest.fixture
def data(stopped: Path, tmp_path: Path) -> Path:
    """A copy of it, to be damaged."""
    return Path(shutil.copytree(stopped, tmp_path / "data"))


def kept(address: str) -> int:
    """How many of the records are there, from the first on."""
    with Line(address) as line:
        stored = line.ask(wire.fetch("kept", 0))
    return next((n for n in range(RECORDS) if b"record %d." % n not in stored), RECORDS)


# --- refused ----------------------------------------------------------------------------------------------------


def test_a_port_in_use_is_refused(tmp_path: Path) -> None:
    with BrokerProcess(tmp_path / "one") as other:
        said = refused(tmp_path / "two", other.address)
    assert "is in use" in said
    assert "--kafka" in said


def test_a_directory_in_use_is_refused_and_its_owner_feels_nothing(tmp_path: Path) -> None:
    with BrokerProcess(tmp_path) as owner, siege(owner):
        said = refused(tmp_path)
    assert f"process {owner.process.pid if owner.process else ''}" in said


@pytest.mark.parametrize("place", ["/proc/nowhere/data", "/dev/null", "/dev/null/data"])
def test_a_directory_that_cannot_be_written_is_refused(place: str) -> None:
    assert "cannot be written" in refused(Path(place))


STATES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "cut": lambda content: content[: len(content) // 2],
    "not UTF-8": lambda content: b'{"format": "\xff"}',
    "a newer version": lambda content: content.replace(b'"format":1', b'"format":999'),
    "a topic id that is none": lambda content: _with_topic(content, topic_id="zz"),
    "a name that leads elsewhere": lambda content: _with_topic(content, name="../../elsewhere"),
    "partitions below zero": lambda content: _with_topic(content, partitions=-1),
    "a setting that is no number": lambda content: _with_topic(content, configs={"segment.bytes": "many"}),
}


def cases(damages: dict[str, Callable[..., object]]) -> list[object]:
    """Parameters with their names."""
    return [pytest.param(damage, id=name) for name, damage in damages.items()]


def _with_topic(content: bytes, **fields: object) -> bytes:
    state = json.loads(content)
    state["topics"][0] |= fields
    return json.dumps(state).encode()


@pytest.mark.parametrize("damage", cases(STATES))
def test_a_damaged_state_is_refused_and_nothing_is_touched(
    data: Path, damage: Callable[[bytes], bytes]
) -> None:
    file = data / "penstock.json"
    file.write_bytes(damage(file.read_bytes()))
    before = _contents(data)
    assert "restore it from a backup" in (said := refused(data)) or "newer penstock" in said
    assert _contents(data) == before


def _contents(data: Path) -> dict[str, bytes]:
    return {str(f): f.read_bytes() for f in data.rglob("*") if f.is_file() and f.name != ".lock"}


def test_partitions_without_the_state_are_refused(data: Path) -> None:
    (data / "penstock.json").unlink()
    assert "backup" in refused(data)


# --- recovered --------------------------------------------------------------------------------------------------


def _segment(data: Path) -> Path:
    return data / "kept-0" / f"{0:020}.log"


def _strew(data: Path) -> None:
    """Files of somebody's, and what a crash leaves."""
    (data / "penstock.json.tmp").write_bytes(b"{")
    (data / "notes.txt").write_text("mine")
    (data / "kept-0" / "notes.txt").write_text("mine")
    (data / "kept-0" / "old").mkdir()


def _no_indexes(data: Path) -> None:
    (data / "checkpoint").unlink()
    (data / "journal").write_bytes(b"")
    for file in data.glob("*/*index"):
        file.unlink()


def _bad_indexes(data: Path) -> None:
    (data / "checkpoint").write_bytes((data / "checkpoint").read_bytes()[:50])
    (data / "journal").write_bytes(b"\xff" * 9000)
    for file in data.glob("*/*index"):
        file.write_bytes(b"\xff" * 99)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "strange files": _strew,
    "checkpoint, journal and indexes are gone": _no_indexes,
    "checkpoint, journal and indexes are garbage": _bad_indexes,
    "the indexes alone are garbage": lambda data: [
        f.write_bytes(b"\xff" * 99) for f in data.glob("*/*index")
    ],
    "a log of somebody's in a partition": lambda data: (data / "kept-0" / "1.log").write_text("mine"),
    "a log with a strange digit": lambda data: (data / "kept-0" / "\u00b2.log").write_text("mine"),
    "the partition's identity is cut": lambda data: (data / "kept-0" / "partition.metadata").write_bytes(b""),
    "the partition's identity is gone": lambda data: (data / "kept-0" / "partition.metadata").unlink(),
}


@pytest.mark.parametrize("damage", cases(DAMAGES))
def test_what_can_be_made_anew_is_and_no_record_is_lost(data: Path, damage: Callable[[Path], object]) -> None:
    damage(data)
    with started(data) as found:
        assert found.address
        assert kept(found.address) == RECORDS
        with Line(found.address) as line:
            line.ask(wire.produce("kept", wire.one_record(b"goes on")))
    assert "Traceback" not in found.said


def test_a_folder_of_somebody_s_is_left_alone(data: Path) -> None:
    mine = data / "backup-2026" / "photos"
    mine.mkdir(parents=True)
    (data / "backup-2026" / "letter.txt").write_text("mine")
    with started(data) as found:
        assert kept(found.address) == RECORDS
    assert (data / "backup-2026" / "letter.txt").read_text() == "mine"
    assert "backup-2026: left alone" in found.said


TAILS: dict[str, Callable[[bytes], bytes]] = {
    "garbage behind the end": lambda log: log + b"\xff" * 10_000,
    "half a batch behind the end": lambda log: log + log[: len(log) // RECORDS // 2],
    "the last batch damaged": lambda log: log[:-5] + b"\xff" * 5,
}


@pytest.mark.parametrize("damage", cases(TAILS))
def test_a_damaged_tail_is_cut_and_the_cut_is_told(data: Path, damage: Callable[[bytes], bytes]) -> None:
    (data / "checkpoint").unlink()
    file = _segment(data)
    file.write_bytes(damage(file.read_bytes()))
    with started(data) as found:
        assert kept(found.address) >= RECORDS - 1
    assert f"kept-0/{0:020}.log: cut from" in found.said


def test_damaged_offsets_of_groups_are_told_or_recovered(data: Path) -> None:
    file = data / "__consumer_offsets-0" / f"{0:020}.log"
    content = bytearray(file.read_bytes())
    content[-3] ^= 0xFF
    file.write_bytes(content)
    with started(data) as found:
        recovered = bool(found.address) and kept(found.address) == RECORDS
    assert recovered or (found.code == 2 and "\n  " in found.said)
    assert "Traceback" not in found.said


# --- what the operating system allows -----------------------------------------------------------------------------


def _with_limit(kind: int, most: int, data_dir: Path) -> BrokerProcess:
    """A broker under a limit that its parent has while it starts."""
    before = resource.getrlimit(kind)
    process = BrokerProcess(data_dir)
    resource.setrlimit(kind, (most, before[1]))
    try:
        process.start()
    finally:
        resource.setrlimit(kind, before)
    return process


def test_more_connections_than_files_may_be_open_do_not_stop_the_broker(tmp_path: Path) -> None:
    """1,024 is a common limit; a file that cannot be opened for a sync would end the process."""
    process = BrokerProcess(tmp_path)
    command = f"ulimit -n 1024; exec {sys.executable} -m penstock.app.broker --data-dir {tmp_path} --kafka 127.0.0.1:0"
    process.process = subprocess.Popen(["sh", "-c", command], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.process.stdout is not None
    process.address = process.process.stdout.readline().decode().split("kafka=")[1].split()[0]
    try:
        with siege(process, Bounds(p99_s=2.0)) as lines, Line(process.address) as own:
            for _ in range(1200):
                with contextlib.suppress(OSError):
                    lines.append(Line(process.address, 2))
            for number in range(20):
                own.ask(wire.metadata([f"one-more-{number}"]))
                own.ask(wire.produce(f"one-more-{number}", wire.one_record(b"x")))
    finally:
        process.stop()


def test_a_full_disk_refuses_writes_and_keeps_what_is_there(tmp_path: Path) -> None:
    process = _with_limit(resource.RLIMIT_FSIZE, 8 << 20, tmp_path)
    try:
        with siege(process), Line(process.address) as line:
            line.ask(wire.metadata(["full"]))
            answers = [line.ask(wire.produce("full", wire.one_record(b"x" * 1_000_000))) for _ in range(12)]
            codes = [answer[4 + 2 + 4 + 4 + 4 : 4 + 2 + 4 + 4 + 4 + 2] for answer in answers]
            assert codes[0] == b"\0\0"
            assert codes[-1] == b"\0\x38"  # KAFKA_STORAGE_ERROR
            assert len(line.ask(wire.fetch("full", 0))) > 4_000_000
    finally:
        process.stop()
