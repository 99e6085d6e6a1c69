"""Kafka Streams, Connect and MirrorMaker from Maven Central's jars, run against any Kafka.

The jars are fetched once into `.oracle/` of the checkout, as the broker's are (kafka.py).
"""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

from bench.oracle import kafka

JARS = kafka.JARS.with_name(f"frameworks-{kafka.VERSION}")


def command(*arguments: str, heap: str = "512m") -> list[str]:
    """The command line that runs a class, or a Java source file, with the frameworks' jars."""
    return kafka.java(*arguments, heap=heap, jars=kafka.assemble("frameworks.pom.xml", JARS))


def properties(file: Path, settings: dict[str, str]) -> str:
    """Write settings as Java reads them; the file's name."""
    file.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
    return str(file)


@contextlib.contextmanager
def running(log: Path, *arguments: str, heap: str = "512m") -> Iterator[subprocess.Popen[bytes]]:
    """A Java process in the background, its words in `log`; stopped at the end."""
    with log.open("ab") as said:
        process = subprocess.Popen(
            command(*arguments, heap=heap), stdin=subprocess.DEVNULL, stdout=said, stderr=said
        )
    try:
        yield process
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        process.kill()
        process.wait()
