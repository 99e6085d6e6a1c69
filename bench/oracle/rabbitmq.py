"""RabbitMQ, one node of its own, from Debian's `rabbitmq-server`: the oracle of the queues' differential tests and the rival.

    python -m bench.oracle.rabbitmq              # start one, print its address, stop it with Ctrl-C

It shares nothing with a RabbitMQ that the system may run: its own name, ports, folders and Erlang port mapper, all on
loopback. No plugin is enabled.
"""

import contextlib
import json
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from bench.oracle.running import for_a_person, free_port, running, wait_until

VERSION: Final = "3.10.8"
PROGRAM: Final = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
"""The server itself; what is on the PATH changes to the system's user and folders first."""

SETTINGS: Final = """\
listeners.tcp.1 = 127.0.0.1:{port}
log.file.level = warning
"""


def missing() -> str:
    """Why the oracle cannot run on this machine; empty where it can."""
    if not PROGRAM.exists():
        return "no RabbitMQ (install Debian's rabbitmq-server)"
    if shutil.which("epmd") is None:
        return "no Erlang port mapper (install Debian's erlang-base)"
    return ""


def environment(home: Path, mapper_port: int) -> dict[str, str]:
    """What keeps a node apart from any other."""
    return {
        **os.environ,
        "HOME": str(home),  # the cookie is there
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(mapper_port),
        "RABBITMQ_NODENAME": "oracle@localhost",
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        "RABBITMQ_MNESIA_BASE": str(home / "mnesia"),
        "RABBITMQ_LOG_BASE": str(home / "log"),
        "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq.conf"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(home / "advanced.config"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "enabled_plugins"),
        "RABBITMQ_GENERATED_CONFIG_DIR": str(home / "config"),
        "RABBITMQ_PID_FILE": str(home / "pid"),
    }


@contextlib.contextmanager
def rabbitmq(
    settings: Mapping[str, str] | None = None, definitions: Any = None, home: Path | None = None
) -> Iterator[str]:
    """A running RabbitMQ; gives its address. Stopped, and its data removed, at the end.

    `settings` are further lines of rabbitmq.conf. `definitions` are users, virtual hosts and permissions as RabbitMQ
    exports them; without, guest/guest may do everything. In a `home` that is given its data stay for the next start.
    """
    with contextlib.ExitStack() as stack:
        port, mapper_port = free_port(), free_port()
        if home is None:
            home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="oracle-rabbitmq-")))
        text = SETTINGS.format(port=port)
        if definitions is not None:
            (home / "definitions.json").write_text(json.dumps(definitions))
            text += f"load_definitions = {home / 'definitions.json'}\n"
        text += "".join(f"{key} = {value}\n" for key, value in (settings or {}).items())
        (home / "rabbitmq.conf").write_text(text)
        (home / "enabled_plugins").write_text("[].")
        with (
            (home / "said").open("wb") as said,
            running(["epmd", "-port", str(mapper_port)], environment(home, mapper_port), said),
            running([str(PROGRAM)], environment(home, mapper_port), said) as server,
        ):
            wait_until(lambda: greets(port), server, home / "said")
            yield f"127.0.0.1:{port}"


def greets(port: int) -> bytes:
    """What it says to a client's greeting."""
    with socket.create_connection(("127.0.0.1", port), timeout=2) as client:
        client.sendall(b"AMQP\x00\x00\x09\x01")
        return client.recv(1)


if __name__ == "__main__":
    for_a_person(missing(), rabbitmq)
