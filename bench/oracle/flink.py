"""Flink SQL with its Kafka connector: Flink's jars from the PyPI wheel, the connector from Maven Central.

A program runs in one JVM with Flink's mini cluster inside it. The wheel has 330 MB and is fetched once into `.oracle/`.
"""

import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from bench.oracle import kafka

VERSION = "2.3.0"
JARS = kafka.JARS.with_name(f"flink-{VERSION}")
CONNECTOR = kafka.JARS.with_name(f"flink-connector-{VERSION}")
OPENED = (
    "java.base/java.lang", "java.base/java.lang.reflect", "java.base/java.net", "java.base/java.io", "java.base/java.nio",
    "java.base/java.text", "java.base/java.time", "java.base/java.util", "java.base/java.util.concurrent",
    "java.base/java.util.concurrent.atomic", "java.base/java.util.concurrent.locks", "java.base/sun.nio.ch",
)  # fmt: skip
"""Packages that Flink looks into by reflection on Java 17."""


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


def command(*arguments: str, heap: str = "1g") -> list[str]:
    """The command line that runs a Java source file with Flink's jars."""
    opened = [f"--add-opens={package}=ALL-UNNAMED" for package in OPENED]
    exported = [
        f"--add-exports={p}=ALL-UNNAMED" for p in ("java.base/sun.net.util", "java.rmi/sun.rmi.registry")
    ]
    return kafka.java(*opened, *exported, *arguments, heap=heap, jars=assemble())
