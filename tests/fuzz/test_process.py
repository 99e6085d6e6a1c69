"""The same requests to a real broker process: pipelined, cut, hung up on. It meets no defect and serves its neighbour."""

import contextlib
import random
import struct
import time
from pathlib import Path

import pytest

from penstock.testing.processes import BrokerProcess
from tests.fuzz.making import Maker, spoilt
from tests.fuzz.reading import read_response
from tests.hostile.wire import Line, metadata, one_record, produce

LINES = 8
DEFECTS = ("met a defect", "Traceback", "timers stopped")


class Pack:
    """Some connections at once, each with a few requests under way; what is answered is read, where there is time."""

    def __init__(self, address: str, seed: int) -> None:
        self.address, self.chance = address, random.Random(seed)
        self.maker = Maker(self.chance)
        self.lines = [Line(address) for _ in range(LINES)]
        self.answers = 0

    def one(self) -> int:
        """A few requests in one write, or in two; how many."""
        place = self.chance.randrange(LINES)
        line, asked, data = self.lines[place], {}, b""
        count = self.chance.choice((1, 2, 5))
        for _ in range(count):
            frame, key, version, _ = self.maker.request()
            sober = self.chance.random() < 0.85
            asked[self.maker.numbers] = key, version
            data += frame if sober else spoilt(self.chance, frame, 14)
        at = self.chance.randrange(len(data))
        try:
            line.send(data[:at])
            line.send(data[at:])
            self.read(line, asked)
            again = self.chance.random() < 0.1
        except (ConnectionError, EOFError, TimeoutError):
            again = True
        if again:
            line.close()
            self.lines[place] = Line(self.address)
        return count

    def read(self, line: Line, asked: dict[int, tuple[int, int]]) -> None:
        """Answers that come soon; raises TimeoutError where one waits."""
        line.socket.settimeout(self.chance.choice((0.002, 0.05)))
        for _ in asked:
            frame = line.receive()
            (number,) = struct.unpack_from(">i", frame)
            if number in asked:
                self.answers += 1
                read_response(*asked[number], frame)


def held_open(broker: BrokerProcess) -> list[str]:
    """Files that the broker holds open though they are removed; after a moment to let go of them."""
    assert broker.process is not None
    links, until_s = Path(f"/proc/{broker.process.pid}/fd"), time.monotonic() + 10
    while True:
        found = []
        for link in links.iterdir() if links.is_dir() else ():  # elsewhere than on Linux nobody can tell
            with contextlib.suppress(FileNotFoundError):
                found.append(str(link.readlink()))
        held = [one for one in found if one.startswith(str(broker.data_dir)) and one.endswith("(deleted)")]
        if not held or time.monotonic() > until_s:
            return held
        time.sleep(0.1)


def attack(broker: BrokerProcess, requests: int, seed: int, capfd: pytest.CaptureFixture[str]) -> None:
    sent = 0
    pack = Pack(broker.address, seed)
    while sent < requests:
        sent += pack.one()
    for line in pack.lines:
        line.close()
    assert broker.process is not None and broker.process.poll() is None, "the broker ended"
    with Line(broker.address) as neighbour:
        neighbour.ask(metadata(["neighbour"]))
        assert neighbour.ask(produce("neighbour", one_record(b"x")))
    assert held_open(broker) == []
    assert pack.answers > requests / 100
    said = capfd.readouterr().err
    assert not any(word in said for word in DEFECTS), said[-3000:]


def test_a_real_broker_meets_no_defect(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with BrokerProcess(tmp_path / "data") as broker:
        attack(broker, 1500, 1, capfd)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(2, 6))
def test_a_real_broker_meets_no_defect_for_long(
    tmp_path: Path, seed: int, capfd: pytest.CaptureFixture[str]
) -> None:
    with BrokerProcess(tmp_path / "data") as broker:
        attack(broker, 20_000, seed, capfd)
        broker.kill()
        broker.start()
        attack(broker, 1000, seed, capfd)
