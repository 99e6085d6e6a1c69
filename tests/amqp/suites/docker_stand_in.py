"""Stands in for aio-pika's `tests/docker_client.py`, which starts RabbitMQ in docker: a server that runs already.

Its address comes by the environment, RABBITMQ_ADDRESS.
"""

import os
from dataclasses import dataclass
from typing import Any


class DockerNotAvailableError(Exception):
    """Never raised here; the tests' own fixtures want the name."""


@dataclass
class DockerHostInfo:
    """Nothing is known of docker, and nothing needed."""


@dataclass
class ContainerInfo:
    """What the tests know of their server."""

    id: str
    ports: dict[str, int]
    host: str


def check_docker_available() -> DockerHostInfo:
    return DockerHostInfo()


class DockerClient:
    """Every image that is asked for is the one server; there is no port for TLS."""

    def __init__(self, _info: DockerHostInfo | None = None) -> None:
        host, _, port = os.environ["RABBITMQ_ADDRESS"].rpartition(":")
        self.server = ContainerInfo("here", {"5672/tcp": int(port)}, host)

    def run(self, *_: Any, **__: Any) -> ContainerInfo:
        return self.server

    def kill(self, _: str) -> None:
        """It is somebody else's."""

    remove = kill
