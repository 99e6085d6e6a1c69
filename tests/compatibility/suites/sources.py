"""Where each suite comes from, and how it is laid out so that it runs without docker.

kafka-python's tests are in its PyPI source archive. aiokafka's and confluent-kafka's archives carry none: theirs come
from the projects' repositories. All of it stays under `.oracle/`, nothing is committed.
"""

import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
ORACLE = HERE.parent.parent.parent / ".oracle"
SUITES = ORACLE / "suites"
PYTHON = ORACLE / "venv" / "bin" / "python"
"""The suites have their own environment: their pytest plugins are not ours."""

PACKAGES = (
    "aiokafka==0.14.0", "kafka-python==3.0.12", "cramjam", "lz4", "python-snappy",
    "zstandard", "crc32c", "requests", "trivup", "pytest", "pytest-asyncio", "pytest-mock", "pytest-timeout",
    "confluent-kafka[avro,json,protobuf,schemaregistry]==2.16.0", "avro",
)  # fmt: skip


@dataclass(frozen=True)
class Suite:
    """`paths` are given to pytest in the suite's folder; `settings` are the server's, in Kafka's words."""

    name: str
    paths: tuple[str, ...]
    environment: Callable[[str], dict[str, str]]
    unpack: Callable[[Path], None]
    settings: dict[str, str] = field(default_factory=dict)
    words: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        return SUITES / self.name


def make_environment() -> None:
    """The environment with the clients and what their tests need, once."""
    ready = PYTHON.parent.parent / "ready"
    if ready.exists() and ready.read_text() == "\n".join(PACKAGES):
        return
    subprocess.run([sys.executable, "-m", "venv", str(PYTHON.parent.parent)], check=True)
    subprocess.run([str(PYTHON), "-m", "pip", "install", "-q", *PACKAGES], check=True)
    ready.write_text("\n".join(PACKAGES))


def unpack_kafka_python(folder: Path) -> None:
    """Its source archive has its integration tests, but not the module that starts servers."""
    words = ["download", "-q", "--no-binary", ":all:", "--no-deps", "-d", str(SUITES), "kafka-python==3.0.12"]
    subprocess.run([str(PYTHON), "-m", "pip", *words], check=True)
    with tarfile.open(SUITES / "kafka_python-3.0.12.tar.gz") as archive:
        tests = [m for m in archive.getmembers() if m.name.split("/")[1:2] == ["test"]]
        for member in tests:
            member.name = member.name.split("/", 1)[1]
        archive.extractall(folder, tests, filter="data")
    (folder / "test" / "__init__.py").touch()
    shutil.copy(HERE / "kafka_python_fixture.py", folder / "test" / "service.py")


def clone(repository: str, tag: str, folder: Path) -> None:
    words = [
        "git",
        "clone",
        "-q",
        "--depth",
        "1",
        "--branch",
        tag,
        f"https://github.com/{repository}",
        str(folder),
    ]
    subprocess.run(words, check=True)
    for source in ("aiokafka", "src"):  # the installed package is tested, not the clone's
        shutil.rmtree(folder / source, ignore_errors=True)


def unpack_aiokafka(folder: Path) -> None:
    clone("aio-libs/aiokafka", "v0.14.0", folder)


def unpack_confluent(folder: Path) -> None:
    clone("confluentinc/confluent-kafka-python", "v2.16.0", folder)


def prepare(suite: Suite) -> None:
    """Lay the suite out where it is not there yet; raises CalledProcessError where it cannot be had."""
    make_environment()
    if not suite.folder.is_dir():
        suite.unpack(suite.folder)
    if suite.name == "aiokafka":
        shutil.copy(HERE / "aiokafka_fixtures.py", suite.folder / "tests" / "conftest.py")


SOURCES = (
    Suite(
        "kafka-python",
        ("test/integration",),
        lambda address: {
            "KAFKA_URI": f"kafka://{address}", "KAFKA_VERSION": "4.3.1", "KAFKA_ROOT": str(SUITES), "KAFKA_PYTHON_LOG": "",
        },
        unpack_kafka_python,
        settings={"num.partitions": "4"},
        words=("-c", "/dev/null", "--rootdir", "."),
    ),
    Suite(
        "aiokafka",
        tuple(f"tests/test_{part}.py" for part in (
            "admin", "client", "conn", "consumer", "coordinator", "fetcher", "message_accumulator", "pep492", "producer", "sasl",
            "sender", "transactional_consumer", "transactional_producer",
        )),  # those that want a broker
        lambda address: {"KAFKA_ADDRESS": address},
        unpack_aiokafka,
        settings={"num.partitions": "2"},
    ),
    Suite(
        "confluent-kafka",
        ("tests/integration/admin", "tests/integration/consumer", "tests/integration/producer", "tests/integration/serialization"),
        lambda address: {"BROKERS": address},
        unpack_confluent,
        settings={"num.partitions": "4"},
        words=("-c", "/dev/null", "--rootdir", "."),
    ),
)  # fmt: skip
