"""Stands in for aiokafka's `tests/conftest.py`, which starts Kafka in docker: the same fixtures for a server that runs.

The address comes by the environment, KAFKA_ADDRESS. What needs docker's other services is skipped, with the reason.
"""

import asyncio
import gc
import os
import pathlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

KAFKA_VERSION = "4.3.1"


@dataclass
class KafkaServer:
    """What aiokafka's tests know of their server."""

    host: str
    port: int
    ssl_port: int = 0
    sasl_plain_port: int = 0
    sasl_ssl_port: int = 0

    @property
    def hosts(self) -> list[str]:
        return [f"{self.host}:{self.port}"]


class Elsewhere:
    """What only docker's image has: whoever uses it is skipped."""

    def __init__(self, what: str) -> None:
        self.what = what

    def __getattr__(self, name: str) -> Any:
        pytest.skip(f"needs {self.what} of aiokafka's docker image")

    def __truediv__(self, name: str) -> Any:
        return self.__getattr__(name)


@pytest.fixture(scope="session")
def kafka_server() -> KafkaServer:
    host, _, port = os.environ["KAFKA_ADDRESS"].rpartition(":")
    return KafkaServer(host, int(port))


@pytest.fixture(scope="session")
def ssl_folder() -> pathlib.Path:
    folder = os.environ.get("KAFKA_SSL_FOLDER")
    if not folder:
        return Elsewhere("the certificates")  # type: ignore[return-value]
    return pathlib.Path(folder)


@pytest.fixture(scope="class")
def acl_manager() -> Elsewhere:
    return Elsewhere("the ACL scripts")


@pytest.fixture(scope="class")
def kafka_config() -> Elsewhere:
    return Elsewhere("the user scripts")


@pytest.fixture(scope="class")
def kerberos_utils() -> Elsewhere:
    return Elsewhere("the Kerberos server")


@pytest.fixture(scope="class")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield loop
    if not loop.is_closed():
        loop.call_soon(loop.stop)
        loop.run_forever()
        loop.close()
    gc.collect()
    asyncio.set_event_loop(None)


@pytest.fixture(scope="class")
def setup_test_class_serverless(request: Any, loop: asyncio.AbstractEventLoop) -> None:
    request.cls.loop = loop


@pytest.fixture(scope="class")
def setup_test_class(
    request: Any, loop: Any, kafka_server: KafkaServer, ssl_folder: Any, acl_manager: Any, kerberos_utils: Any, kafka_config: Any,
) -> None:  # fmt: skip
    given = {
        "loop": loop, "kafka_host": kafka_server.host, "kafka_port": kafka_server.port, "hosts": kafka_server.hosts,
        "kafka_ssl_port": kafka_server.ssl_port, "kafka_sasl_plain_port": kafka_server.sasl_plain_port,
        "kafka_sasl_ssl_port": kafka_server.sasl_ssl_port, "ssl_folder": ssl_folder, "acl_manager": acl_manager,
        "kerberos_utils": kerberos_utils, "kafka_config": kafka_config, "kafka_version": KAFKA_VERSION,
    }  # fmt: skip
    for name, value in given.items():
        setattr(request.cls, name, value)
