"""Where a broker's time goes under one kind of load: py-spy for its Python, perf for the rest.

    python -m bench.profiling produce --size 1000            # functions, by py-spy
    python -m bench.profiling small --connections 16 --perf  # machine code and kernel, by perf (Linux)

Loads: produce and consume (kcat, large batches), small (single records, acks=all), publish and deliver (AMQP, `bench.amqp`:
always with fsync; what is delivered was published before). Prints the share of the samples by
the function they ended in, and for py-spy also by all that were on the stack. Needs the rights to look into a process
of one's own: `kernel.perf_event_paranoid` ≤ 1 for perf, ptrace for py-spy.
"""

import argparse
import collections
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from bench.amqp.load import Kind, consume, publish
from bench.amqp.sides import Side as AmqpSide
from bench.amqp.sides import running
from bench.kafka_io.bulk import lines, read_s, send_s
from bench.kafka_io.sides import Side, create_topic, penstock, settle
from bench.kafka_io.small import small

QUEUES = ("publish", "deliver")
FILLED = 300_000
LEAST = 1.0  # per cent: rarer functions are not shown
SPARE_S = 60


def loading_queues(given: argparse.Namespace, side: AmqpSide) -> Callable[[int], object]:
    """The same of queues; `deliver` has so much to deliver that it lasts."""
    kind = Kind("load", given.size, varied=given.load == "publish")  # who consumes counts on equal lengths
    if given.load == "publish":
        return lambda _: publish(side, kind, given.connections, 100_000, 1.0)
    publish(side, kind, 1, FILLED, SPARE_S)
    return lambda _: consume(side, kind.queue, given.connections, FILLED, SPARE_S)


def loading(given: argparse.Namespace, side: Side, folder: Path) -> Callable[[int], object]:
    """One piece of the load, of about a second, by its number."""
    if given.load == "small":
        create_topic(side.address, "small")
        return lambda _: small(side, "small", given.connections, 1.0)
    file, count = lines(folder, given.size, 1.0)
    send_s(side, "warm", file)
    if given.load == "produce":
        return lambda number: send_s(side, f"topic-{number % 4}", file)
    return lambda _: read_s(side, "warm", count)


def spied(pid: int, seconds: int, folder: Path) -> None:
    """Print what py-spy sees of the event loop's thread."""
    target = folder / "stacks"
    words = ["-p", str(pid), "-d", str(seconds), "-r", "500", "-f", "raw", "-o", str(target)]
    subprocess.run(["py-spy", "record", *words], check=True, capture_output=True, timeout=seconds + SPARE_S)
    ends, within, total = collections.Counter[str](), collections.Counter[str](), 0
    for line in target.read_text().splitlines():
        stack, _, samples = line.rpartition(" ")
        if "broker.py" not in stack:  # another thread: the disk's, the lifeline's
            continue
        frames = [frame.rpartition(":")[0] or frame for frame in stack.split(";")]
        total += int(samples)
        ends[frames[-1]] += int(samples)
        within.update(dict.fromkeys(set(frames), int(samples)))
    for title, counted in (("ends in", ends), ("on the stack", within)):
        print(f"--- {title} ({total} samples)")
        for name, count in counted.most_common(40):
            if count * 100 >= LEAST * total:
                print(f"{count * 100 / total:5.1f} %  {name}")


def counted(pid: int, seconds: int, folder: Path) -> None:
    """Print what perf sees of the whole process."""
    target = str(folder / "perf.data")
    words = ["record", "-F", "999", "-g", "-p", str(pid), "-o", target, "--", "sleep", str(seconds)]
    subprocess.run(["perf", *words], check=True, capture_output=True, timeout=seconds + SPARE_S)
    for order in ("dso", "dso,symbol"):
        words = ["-i", target, "--no-children", "-g", "none", "--percent-limit", str(LEAST), "--sort", order]
        report = subprocess.run(["perf", "report", *words], check=True, capture_output=True, text=True)
        print(f"--- by {order}")
        print("\n".join(line for line in report.stdout.splitlines() if line.strip() and line[0] != "#"))


def main() -> None:
    """Load a broker, look at it meanwhile."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("load", choices=("produce", "consume", "small", *QUEUES))
    parser.add_argument("--size", type=int, choices=(100, 1_000), default=1_000)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--fsync", action="store_true", help="--fsync always, not never")
    parser.add_argument("--perf", action="store_true", help="perf, not py-spy")
    parser.add_argument("--seconds", type=int, default=8)
    given = parser.parse_args()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    queues = given.load in QUEUES
    with (
        tempfile.TemporaryDirectory(prefix="bench-profile-") as name,
        running("penstock") if queues else penstock(given.fsync) as side,
    ):
        load = loading_queues(given, side) if isinstance(side, AmqpSide) else loading(given, side, Path(name))
        settle(1024)
        over = threading.Event()

        def go_on() -> None:
            number = 0
            while not over.is_set():
                load(number)
                number += 1

        thread = threading.Thread(target=go_on, daemon=True)
        thread.start()
        before_s, begun_s = side.cpu_s(), time.monotonic()
        try:
            (counted if given.perf else spied)(side.pid, given.seconds, Path(name))
        finally:
            over.set()
            thread.join(SPARE_S)
        print(f"the broker used {(side.cpu_s() - before_s) / (time.monotonic() - begun_s):.2f} of a core")


if __name__ == "__main__":
    main()
