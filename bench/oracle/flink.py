"""Flink SQL in one JVM, without a cluster: Flink's jars from the PyPI wheel, its Kafka connector from Maven Central.

    with flink.running() as sql:
        sql.run(["CREATE TABLE …", "INSERT INTO …"], settings)          # → Ran(cpu_ms, wall_ms, …)
        sql.rows(["CREATE TABLE …", "SELECT …"])                        # → [["+I", 1, "a"], …]

Flink's mini cluster runs inside of the JVM, anew for every job. The wheel has 330 MB and is fetched once into
`.oracle/`; the two Java sources beside this file are compiled there.
"""

import contextlib
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.oracle import kafka

VERSION = "2.3.0"
JARS = kafka.JARS.with_name(f"flink-{VERSION}")
CONNECTOR = kafka.JARS.with_name(f"flink-connector-{VERSION}")
SOURCES = kafka.HERE / "java"
OPENED = (
    "java.base/java.lang", "java.base/java.lang.reflect", "java.base/java.net", "java.base/java.io", "java.base/java.nio",
    "java.base/java.text", "java.base/java.time", "java.base/java.util", "java.base/java.util.concurrent",
    "java.base/java.util.concurrent.atomic", "java.base/java.util.concurrent.locks", "java.base/sun.nio.ch",
)  # fmt: skip
"""Packages that Flink looks into by reflection on Java 17."""

SETTINGS = {
    "parallelism.default": "1",
    "table.local-time-zone": "UTC",
    "taskmanager.memory.managed.size": "256m",
    "taskmanager.memory.network.min": "64m",
    "taskmanager.memory.network.max": "64m",
}


def present() -> bool:
    """Whether the jars are there, so that running Flink fetches nothing."""
    return JARS.is_dir() and CONNECTOR.is_dir() and not kafka.missing()


def assemble() -> str:
    """Fetch the jars where they are not there yet; the Java class path."""
    if not JARS.is_dir():
        with tempfile.TemporaryDirectory(dir=JARS.parent) as coming:
            words = ["download", "-q", "--no-deps", "-d", coming, f"apache-flink-libraries=={VERSION}"]
            subprocess.run([sys.executable, "-m", "pip", *words], check=True)
            (wheel,) = Path(coming).glob("*.whl")
            with zipfile.ZipFile(wheel) as archive:
                jars = [n for n in archive.namelist() if n.startswith("pyflink/lib/") and n.endswith(".jar")]
                archive.extractall(coming, jars)
            shutil.move(Path(coming, "pyflink", "lib"), JARS)
    return f"{JARS}/*:{kafka.assemble('flink.pom.xml', CONNECTOR)}"


def compiled(jars: str) -> Path:
    """The classes of our own, compiled where the sources have changed since."""
    sources = sorted(SOURCES.glob("*.java"))
    mark = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:12]
    target = JARS.with_name(f"flink-classes-{mark}")
    if not target.is_dir():
        with tempfile.TemporaryDirectory(dir=JARS.parent) as coming:
            made = Path(coming, "classes")
            named = made / "META-INF" / "services" / "org.apache.flink.table.factories.Factory"
            named.parent.mkdir(parents=True)
            named.write_text("FileLookup\n")
            subprocess.run(["javac", "-nowarn", "-cp", jars, "-d", str(made), *map(str, sources)], check=True)
            with contextlib.suppress(OSError):  # another process was first: its folder is as good
                made.rename(target)
    return target


def command(*arguments: str, heap: str = "1g", more: str = "") -> list[str]:
    """The command line that runs a Java class with Flink's jars, and `more` of a class path."""
    opened = [f"--add-opens={package}=ALL-UNNAMED" for package in OPENED]
    exported = [
        f"--add-exports={p}=ALL-UNNAMED" for p in ("java.base/sun.net.util", "java.rmi/sun.rmi.registry")
    ]
    told = f"-Dlog4j2.configurationFile={SOURCES / 'log4j2.properties'}"
    jars = assemble()
    return kafka.java(
        *opened,
        *exported,
        told,
        *arguments,
        heap=heap,
        jars=f"{compiled(jars)}:{jars}" + (f":{more}" if more else ""),
    )


class FlinkError(RuntimeError):
    """Flink refused a statement, or the job failed; `trace` is Java's."""

    def __init__(self, reasons: str, trace: str) -> None:
        super().__init__(reasons)
        self.trace = trace


@dataclass(frozen=True)
class Ran:
    """The last statement's figures, and the columns of its result."""

    cpu_ms: float
    wall_ms: float
    names: list[str]
    kinds: list[str]
    rows: list[list[Any]] = field(default_factory=list)


class Flink:
    """A JVM that runs one script after another; each has an environment of its own, the compiled code stays."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def run(self, statements: Sequence[str], settings: Mapping[str, str] | None = None) -> Ran:
        """Run a script; each INSERT is waited for. Raises FlinkError."""
        return self._ask(statements, settings, None)

    def rows(self, statements: Sequence[str], settings: Mapping[str, str] | None = None) -> Ran:
        """Run a script that ends in a query, with all its rows: the kind first, texts for what JSON has no form for."""
        with tempfile.NamedTemporaryFile("r", suffix=".jsonl", encoding="utf-8") as file:
            ran = self._ask(statements, settings, file.name)
            ran.rows.extend(map(json.loads, file))
        return ran

    def _ask(self, statements: Sequence[str], settings: Mapping[str, str] | None, rows: str | None) -> Ran:
        asked = {"statements": list(statements), "settings": SETTINGS | dict(settings or {}), "rows": rows}
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"Flink's JVM ended with code {self.process.wait()}")
        said = json.loads(line)
        if "error" in said:
            raise FlinkError(said["error"], said["trace"])
        return Ran(said["cpu_ms"], said["wall_ms"], said["names"], said["kinds"])


@contextlib.contextmanager
def running(heap: str = "2g", more: str = "") -> Iterator[Flink]:
    """Flink in a JVM of its own, which ends with the block."""
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(
            command("SqlRunner", heap=heap, more=more),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
        ) as process,
    ):
        try:
            yield Flink(process)
        except RuntimeError as error:
            said.seek(0)
            error.add_note(said.read().decode(errors="replace")[-3000:])
            raise
        finally:
            assert process.stdin
            process.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()
