"""Where kombu's and aio-pika's tests come from, and how they run without docker: both are in the source archives on PyPI."""

import shutil
from functools import partial
from pathlib import Path
from typing import Final

from tests.beside.suites import ALONE, Environment, Suite, unpack

STAND_IN: Final = Path(__file__).with_name("docker_stand_in.py")
CLIENTS: Final = Environment(
    "amqp-venv",
    ("aio-pika==10.2.1", "kombu==5.7.0", "aiomisc-pytest", "pytest", "pytest-timeout", "shortuuid"),
)
KOMBU: Final = Suite(
    "kombu",
    CLIENTS,
    ("t/integration/test_py_amqp.py",),
    lambda address: {
        "RABBITMQ_HOST": address.rpartition(":")[0], "RABBITMQ_5672_TCP": address.rpartition(":")[2], "TOX_ENV_NAME": "amqp",
    },
    partial(unpack, "kombu==5.7.0", "t"),
    words=(*ALONE, "-p", "no:warnings", "-o", "python_classes=test_*"),
)  # fmt: skip
AIO_PIKA: Final = Suite(
    "aio-pika",
    CLIENTS,
    ("tests",),
    lambda address: {"RABBITMQ_ADDRESS": address},
    partial(unpack, "aio-pika==10.2.1", "tests"),
    lambda folder: shutil.copy(STAND_IN, folder / "tests" / "docker_client.py"),
    words=(*ALONE, "-p", "no:asyncio", "--ignore=tests/test_amqps.py"),
)
"""Left out are its tests over TLS, which are the others once more and want docker's certificates."""
SOURCES: Final = (KOMBU, AIO_PIKA)
