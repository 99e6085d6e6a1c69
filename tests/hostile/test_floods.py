"""Clients that ask for more than they take, hold more than they finish, or come in thousands."""

import struct
import time

from penstock.testing.processes import BrokerProcess
from tests.hostile import wire
from tests.hostile.siege import MIB, Bounds, siege
from tests.hostile.wire import Line


def test_a_hundred_half_requests_are_held_in_bounded_memory(besieged: BrokerProcess) -> None:
    # Twice the budget: as much again may be held in connections' own shares.
    half = struct.pack(">i", 99 * MIB) + b"x" * (8 * MIB)
    with siege(besieged, Bounds(grown_mib=600)) as lines:
        for _ in range(100):
            lines.append(Line(besieged.address))
            lines[-1].push(half, 0.03)


def test_a_request_that_comes_byte_by_byte_is_held_in_its_own_size(besieged: BrokerProcess) -> None:
    with siege(besieged, Bounds(grown_mib=30)) as lines:
        lines += [Line(besieged.address) for _ in range(4)]
        for line in lines:
            line.send(struct.pack(">i", 99 * MIB))
        end_s = time.monotonic() + 1.5
        while time.monotonic() < end_s:
            for line in lines:
                line.send(b"x")


def test_thousands_of_pipelined_requests_whose_answers_nobody_reads(besieged: BrokerProcess) -> None:
    with siege(besieged, Bounds(grown_mib=100)) as lines, Line(besieged.address) as own:
        for number in range(3):
            own.ask(wire.create_topic(f"wide-{number}", partitions=1000))
        for request in (wire.metadata(None), wire.frame(wire.API_VERSIONS, 0, b""), wire.metadata([])):
            lines.append(Line(besieged.address, receive_bytes=4096))
            lines[-1].push(request * 4000, 0.5)


def test_fetches_of_50_mb_whose_answers_nobody_reads(besieged: BrokerProcess) -> None:
    with siege(besieged, Bounds(grown_mib=350)) as lines, Line(besieged.address) as own:
        own.ask(wire.metadata(["large"]))
        for _ in range(24):
            own.ask(wire.produce("large", wire.one_record(b"x" * 1_000_000)))
        for _ in range(20):
            lines.append(Line(besieged.address, receive_bytes=4096))
            lines[-1].push(wire.fetch("large", 0) * 4, 0.5)
        time.sleep(0.5)


def test_one_fetch_that_names_a_partition_over_and_over_reads_it_once(besieged: BrokerProcess) -> None:
    with siege(besieged) as lines, Line(besieged.address, 30) as own:
        own.ask(wire.metadata(["again"]))
        own.ask(wire.produce("again", wire.one_record(b"x" * 1_000_000)))
        lines.append(own)
        own.ask(wire.fetch("again", 0, parts=30_000, part_most=1))


def test_requests_piled_up_behind_one_that_waits(besieged: BrokerProcess) -> None:
    """The server reads no further once too much of it is unanswered; the others' shares are theirs."""
    with siege(besieged, Bounds(grown_mib=450)) as lines, Line(besieged.address) as own:
        own.ask(wire.metadata(["waited"]))
        for _ in range(6):
            lines.append(Line(besieged.address))
            pile = wire.produce("waited", b"x" * MIB) * 80
            lines[-1].push(wire.fetch("waited", 0, wait_ms=600_000) + pile, 0.5)


def test_fetches_that_wait_by_the_hundred_and_are_dropped(besieged: BrokerProcess) -> None:
    with siege(besieged) as lines, Line(besieged.address) as own:
        own.ask(wire.metadata(["slow"]))
        for wait_ms in (1, 2**31 - 1):
            for _ in range(150):
                lines.append(Line(besieged.address))
                lines[-1].send(wire.fetch("slow", 0, wait_ms=wait_ms, least=2**31 - 1, parts=50))


def test_a_thousand_idle_connections(besieged: BrokerProcess) -> None:
    with siege(besieged) as lines:
        lines += [Line(besieged.address) for _ in range(1000)]


def test_connections_that_come_and_go(besieged: BrokerProcess) -> None:
    gone = struct.pack("ii", 1, 0)
    with siege(besieged):
        for number in range(2000):
            line = Line(besieged.address)
            if number % 3 == 0:
                line.send(wire.metadata([]))
            if number % 2:  # a reset instead of an orderly end
                line.socket.setsockopt(1, 13, gone)  # SOL_SOCKET, SO_LINGER
            line.close()
