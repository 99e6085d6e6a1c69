"""HTTP by hand over a socket, for requests that no library would send."""

import contextlib
import json
import socket
import time
from typing import Any


class Http:
    """One connection to the web process at HOST:PORT."""

    def __init__(self, address: str, seconds: float = 10.0) -> None:
        host, _, port = address.rpartition(":")
        self.host = address
        self.socket = socket.create_connection((host, int(port)), seconds)

    def send(self, data: bytes) -> None:
        with contextlib.suppress(ConnectionError):
            self.socket.sendall(data)

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> int:
        """Send a request; the answer's status, 0 where the connection is closed without one."""
        said = {"Host": self.host, "Content-Length": str(len(body))} if body else {"Host": self.host}
        said |= {name.replace("_", "-"): value for name, value in headers.items()}
        lines = "".join(f"{name}: {value}\r\n" for name, value in said.items())
        self.send(f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode("utf-8", "surrogateescape") + body)
        return self.status()

    def post(self, path: str, body: bytes, kind: str = "application/json") -> int:
        return self.ask("POST", path, body, Content_Type=kind)

    def status(self) -> int:
        """The next answer's status; what follows is thrown away with the connection."""
        seen = b""
        with contextlib.suppress(ConnectionError):
            while b"\r\n" not in seen and (more := self.socket.recv(65536)):
                seen += more
        return int(seen.split(b" ", 2)[1]) if seen.startswith(b"HTTP/1.1 ") else 0

    def closed(self, seconds: float) -> bool:
        """Whether the server hangs up within so many seconds."""
        self.socket.settimeout(seconds)
        end_s = time.monotonic() + seconds
        try:
            while time.monotonic() < end_s:
                if not self.socket.recv(65536):
                    return True
        except TimeoutError:
            return False
        except ConnectionError:
            return True
        return False

    def __enter__(self) -> "Http":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()


def once(address: str, method: str, path: str, body: bytes = b"", **headers: str) -> int:
    """A request on a connection of its own."""
    with Http(address) as one:
        return one.ask(method, path, body, **headers)


def get(address: str, path: str) -> Any:
    """A JSON answer, read to its end."""
    with Http(address) as one:
        one.send(f"GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n".encode())
        whole = b""
        while more := one.socket.recv(1 << 20):
            whole += more
    head, _, body = whole.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head[:200]
    return json.loads(body)
