"""Quix Streams, Bytewax and Pathway, each as a program in its own words, for the queries it can express.

    python -m bench.nexmark.rivals.others          # fetch them into an environment of their own

They are tests' tools only: penstock neither imports nor ships them. Quix Streams and Bytewax are under the Apache licence 2.0,
Pathway under BSL 1.1, which lets it run on one machine. Each run is a new process; CPU is that of the whole process from its
very start, which the difference of two sizes takes out.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
from confluent_kafka import Consumer, TopicPartition

from bench.nexmark.rivals import Cost
from bench.nexmark.rivals.watching import LONGEST_S, Rest, until_rest
from bench.nexmark.scripts import Place
from bench.oracle import kafka

HOME = kafka.JARS.with_name("rivals-venv")
PYTHON = HOME / "bin" / "python"
PACKAGES = ("quixstreams==3.28.1", "bytewax[kafka]==0.21.1", "pathway==0.33.0", "orjson")
PROGRAMS = Path(__file__).parent / "programs"
STATELESS = ("q0", "q1", "q2")
WINDOWED = ("q5_counts", "q7_best", "q11")
REST = Rest(long_s=4.0, look_s=1.0, share=0.1)
"""Of one that works off in the background what it has long read: it may get little of a core where others run."""


@dataclass(frozen=True)
class Other:
    """An engine and what it runs."""

    name: str
    program: str
    queries: tuple[str, ...] = STATELESS + WINDOWED
    slow: tuple[str, ...] = ()
    """Queries of which it runs so few events a second that it is given fewer of them: their cost grows, if at all, with more."""
    ends: bool = True
    """Whether its program ends by itself."""
    lasts: bool = False

    def run(self, query: str, place: Place, rows: str = "") -> Cost:
        """One run over all events of the place's topics, into nothing or `rows`; raises RuntimeError with its words."""
        if reason := missing():
            raise RuntimeError(reason)
        with tempfile.TemporaryDirectory(prefix="rival-") as folder, tempfile.TemporaryFile() as said:
            words = [query, place.bootstrap, place.topic, folder, rows]
            process = subprocess.Popen(
                [str(PYTHON), "-I", "-W", "ignore", str(PROGRAMS / self.program), *words],
                stdin=subprocess.DEVNULL, stdout=said, stderr=said, cwd=folder,
            )  # fmt: skip
            try:
                if self.ends:
                    return _ended(process)
                group = f"{self.program.removesuffix('.py')}-{Path(folder).name}"
                return until_rest(psutil.Process(process.pid), _reads(place, query, group), REST)
            except (RuntimeError, psutil.Error) as error:
                said.seek(0)
                raise RuntimeError(f"{self.name}, {query}: {error}: {said.read()[-2000:].decode()}") from None
            finally:
                process.kill()
                process.wait()


QUIX = Other("Quix Streams", "quix.py", slow=WINDOWED)
BYTEWAX = Other("Bytewax", "bytewax.py", slow=WINDOWED)
PATHWAY = Other("Pathway", "pathway.py", (*STATELESS, "q3", *WINDOWED), slow=("q11",), ends=False)
OTHERS = {"quix": QUIX, "bytewax": BYTEWAX, "pathway": PATHWAY}


def missing() -> str:
    """Why they cannot run here; empty where they can."""
    ready = HOME / "ready"
    if ready.exists() and ready.read_text() == "\n".join(PACKAGES):
        return ""
    return f"{', '.join(PACKAGES)} are not installed: python -m bench.nexmark.rivals.others fetches them from PyPI"


def install() -> None:
    """The environment with all of them, once; raises CalledProcessError where one has no wheel for this Python."""
    if missing():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(HOME)], check=True)
        words = ["-m", "pip", "install", "-q", "--only-binary", ":all:", *PACKAGES]
        subprocess.run([str(PYTHON), *words], check=True)
        (HOME / "ready").write_text("\n".join(PACKAGES))


def _ended(process: subprocess.Popen[bytes]) -> Cost:
    """Wait for its end; raises RuntimeError where it fails or takes too long."""
    begun_s = time.monotonic()
    while time.monotonic() - begun_s < LONGEST_S:
        found, status, used = os.wait4(process.pid, os.WNOHANG)
        if found:
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                raise RuntimeError(f"it ended with {process.returncode}")
            return Cost(used.ru_utime + used.ru_stime, time.monotonic() - begun_s)
        time.sleep(0.05)
    raise RuntimeError(f"it did not come to its end in {LONGEST_S} s")


def _reads(place: Place, query: str, group: str) -> Callable[[], bool]:
    """Whether the group has committed the ends of the topics that the query reads."""
    kinds = ("person", "auction") if query == "q3" else ("bid",)
    parts = [TopicPartition(f"{place.topic}_{kind}", 0) for kind in kinds]
    consumer = Consumer({"bootstrap.servers": place.bootstrap, "group.id": group, "log_level": 0})
    ends = [consumer.get_watermark_offsets(part, timeout=10)[1] for part in parts]

    def done() -> bool:
        told = consumer.committed(parts, timeout=10)
        return all(part.offset >= end for part, end in zip(told, ends, strict=True))

    return done


if __name__ == "__main__":
    install()
