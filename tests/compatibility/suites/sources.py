"""Where each suite comes from, and how it is laid out so that it runs without docker.

kafka-python's tests are in its PyPI source archive. aiokafka's and confluent-kafka's archives carry none: theirs come
from the projects' repositories. All of it stays under `.oracle/`, nothing is committed.
"""

import shutil
import subprocess
from functools import partial
from pathlib import Path
from typing import Final

from tests.beside.suites import ALONE, ORACLE, Environment, Suite, unpack

HERE: Final = Path(__file__).parent
CLIENTS: Final = Environment(
    "venv",
    (
        "aiokafka==0.14.0", "kafka-python==3.0.12", "cramjam", "lz4", "python-snappy",
        "zstandard", "crc32c", "requests", "trivup", "pytest", "pytest-asyncio", "pytest-mock", "pytest-timeout",
        "confluent-kafka[avro,json,protobuf,schemaregistry]==2.16.0", "avro",
    ),
)  # fmt: skip
QUIET: Final = ("-p", "no:warnings")


def unpack_kafka_python(folder: Path) -> None:
    """Its source archive has its integration tests, but not the module that starts servers."""
    unpack("kafka-python==3.0.12", "test", folder)
    (folder / "test" / "__init__.py").touch()
    shutil.copy(HERE / "kafka_python_fixture.py", folder / "test" / "service.py")


def clone(repository: str, tag: str, folder: Path) -> None:
    """A project's repository; the installed package is tested, not the clone's."""
    address = f"https://github.com/{repository}"
    subprocess.run(["git", "clone", "-q", "--depth", "1", "--branch", tag, address, str(folder)], check=True)
    for source in ("aiokafka", "src"):
        shutil.rmtree(folder / source, ignore_errors=True)


SOURCES: Final = (
    Suite(
        "kafka-python",
        CLIENTS,
        ("test/integration",),
        lambda address: {
            "KAFKA_URI": f"kafka://{address}", "KAFKA_VERSION": "4.3.1", "KAFKA_ROOT": str(ORACLE / "suites"),
            "KAFKA_PYTHON_LOG": "",
        },
        unpack_kafka_python,
        settings={"num.partitions": "4"},
        words=(*QUIET, *ALONE),
    ),
    Suite(
        "aiokafka",
        CLIENTS,
        tuple(f"tests/test_{part}.py" for part in (
            "admin", "client", "conn", "consumer", "coordinator", "fetcher", "message_accumulator", "pep492", "producer", "sasl",
            "sender", "transactional_consumer", "transactional_producer",
        )),  # those that want a broker
        lambda address: {"KAFKA_ADDRESS": address},
        partial(clone, "aio-libs/aiokafka", "v0.14.0"),
        lambda folder: shutil.copy(HERE / "aiokafka_fixtures.py", folder / "tests" / "conftest.py"),
        settings={"num.partitions": "2"},
        words=QUIET,
    ),
    Suite(
        "confluent-kafka",
        CLIENTS,
        ("tests/integration/admin", "tests/integration/consumer", "tests/integration/producer", "tests/integration/serialization"),
        lambda address: {"BROKERS": address},
        partial(clone, "confluentinc/confluent-kafka-python", "v2.16.0"),
        settings={"num.partitions": "4"},
        words=(*QUIET, *ALONE),
    ),
)  # fmt: skip
