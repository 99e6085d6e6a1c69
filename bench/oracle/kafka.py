"""Apache Kafka, one node (KRaft), from Maven Central's jars: the oracle of the differential tests and the rival.

    python -m bench.oracle.kafka              # start one, print its address, stop it with Ctrl-C

Needs a Java 17 runtime and Maven (`mvn`). The jars are fetched once into `.oracle/` of the checkout.
"""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.oracle.running import for_a_person, free_port, running, wait_until

VERSION = "4.3.1"
HERE = Path(__file__).parent
JARS = HERE.parent.parent / ".oracle" / f"kafka-{VERSION}"

SETTINGS = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
log.dirs={data}
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
"""


def missing() -> str:
    """Why the oracle cannot run on this machine; empty where it can."""
    if shutil.which("java") is None:
        return "no Java runtime (install a JRE 17)"
    if not JARS.is_dir() and shutil.which("mvn") is None:
        return "no Maven to fetch Kafka's jars with"
    return ""


def assemble(pom: str = "pom.xml", jars: Path = JARS) -> str:
    """Fetch the jars where they are not there yet; the Java class path. Raises CalledProcessError with Maven's words."""
    if not jars.is_dir():
        coming = jars.with_suffix(f".coming{os.getpid()}")
        subprocess.run(
            ["mvn", "-q", "-B", "-f", str(HERE / pom), f"-Dkafka.version={VERSION}",
             "dependency:copy-dependencies", f"-DoutputDirectory={coming}"],
            check=True, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        with contextlib.suppress(OSError):  # another process was first: its folder is as good
            coming.rename(jars)
        shutil.rmtree(coming, ignore_errors=True)
    return f"{jars}/*"


def java(*arguments: str, heap: str = "1g", jars: str = "") -> list[str]:
    """The command line that runs a class with all of Kafka's jars, or with those of another class path."""
    return [
        "java",
        f"-Xmx{heap}",
        "-XX:+UseG1GC",
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        "-cp",
        jars or assemble(),
        *arguments,
    ]


@contextlib.contextmanager
def kafka(settings: dict[str, str] | None = None, heap: str = "1g") -> Iterator[str]:
    """A running Kafka; gives its bootstrap address. Stopped, and its data removed, at the end.

    `settings` go before those above; `{port}` and `{controller}` in them stand for the ports of this one.
    """
    with tempfile.TemporaryDirectory(prefix="oracle-kafka-") as home:
        port, controller = free_port(), free_port()
        properties = Path(home, "server.properties")
        text = SETTINGS.format(port=port, controller=controller, data=Path(home, "data"))
        for key, value in (settings or {}).items():
            text += f"{key}={value}\n".replace("{port}", str(port)).replace("{controller}", str(controller))
        properties.write_text(text)
        store = ["kafka.tools.StorageTool", "format", "-t", "AAAAAAAAAAAAAAAAAAAAAQ", "-c", str(properties)]
        with Path(home, "kafka.log").open("wb") as said:
            subprocess.run(
                java(*store, heap="256m"), check=True, stdin=subprocess.DEVNULL, stdout=said, stderr=said
            )
            with running(java("kafka.Kafka", str(properties), heap=heap), said=said) as server:
                wait_until(asking(f"127.0.0.1:{port}"), server, Path(home, "kafka.log"))
                yield f"127.0.0.1:{port}"


def asking(address: str) -> Callable[[], object]:
    """Asks for metadata; false where there is no broker yet."""
    from confluent_kafka.admin import AdminClient

    admin = AdminClient({"bootstrap.servers": address, "log_level": 0})
    return lambda: admin.list_topics(timeout=2).brokers


if __name__ == "__main__":
    for_a_person(missing(), kafka)
