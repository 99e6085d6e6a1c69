"""The web process: one event loop with the HTTP server and all that is followed.

Says ``ready http=HOST:PORT`` on standard output once it listens, and stops with its supervisor's pipe or SIGTERM.
"""

import asyncio
import contextlib
import ipaddress
import logging
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from penstock.amqp import url_of
from penstock.client.client import Client
from penstock.client.cluster import ClientOptions
from penstock.client.security import from_environment
from penstock.errors import PenstockError
from penstock.lifeline import until_told
from penstock.tables.live import TableOptions
from penstock.tls import TlsOptions, server_context
from penstock.users.follow import FollowedUsers
from penstock.web.api.site import Addresses, Site
from penstock.web.app import build
from penstock.web.clocks import read_clocks
from penstock.web.flow.ticker import Ticker
from penstock.web.follow.watch import Watch
from penstock.web.http.events import EventOptions, Streams
from penstock.web.http.guard import GuardOptions
from penstock.web.http.limits import BoundedHttp
from penstock.web.http.login import Passwords

STATIC = Path(__file__).parent / "static"
CONNECTIONS_MAX = 1024
BOTH = "that takes both users and TLS: penstock user add NAME, --tls-cert and --tls-key"
log = logging.getLogger("penstock.web")


@dataclass(frozen=True)
class WebOptions:
    """What the web process is told."""

    bootstrap: str = "127.0.0.1:9092"
    """Where the broker, or any Kafka, is reached."""
    amqp: str = ""
    """Where the broker's queues are reached, HOST:PORT; empty where it has none, or is no penstock."""
    http: str = "127.0.0.1:8080"
    """Where to serve, HOST:PORT; port 0 takes any free one."""
    data_dir: str = ""
    """Where the broker on this machine keeps its data, to tell how full its disk is."""
    demo_sql: str = ""
    """The demo's pipeline file; empty where this is not the demo."""
    static: str = str(STATIC)
    """Where the console's built files lie."""
    users: str = ""
    """The users' file; where there is none, everyone on this machine may do everything."""
    tls: TlsOptions = field(default_factory=TlsOptions)
    guard: GuardOptions = field(default_factory=GuardOptions)
    events: EventOptions = field(default_factory=EventOptions)
    tables: TableOptions = field(default_factory=TableOptions)


async def serve(options: WebOptions) -> int:
    """Run until told to stop; the exit code."""
    stop = until_told()
    listener = listen(options.http)
    host, port = listener.getsockname()[:2]
    http = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    kafka = ClientOptions("penstock-web", deadline_s=8.0, unknown_topic_s=0.3, security=from_environment())
    amqp = url_of(options.amqp) if options.amqp else None
    watch = Watch(
        partial(Client, options.bootstrap, options=kafka),
        options.tables,
        lambda: read_clocks().wall_ms,
        options.data_dir,
        amqp,
    )
    tls = server_context(options.tls)
    scheme = "http" if tls is None else "https"
    passwords = Passwords(FollowedUsers(Path(options.users or "/nonexistent")))
    if not ipaddress.ip_address(host).is_loopback and (tls is None or passwords.users.directory.open):
        listener.close()
        raise PenstockError(f"--http {options.http}: other machines could reach it", remedy=BOTH)
    addresses = Addresses(options.bootstrap, f"{scheme}://{http}")
    site = Site(
        watch,
        Ticker(watch),
        Streams(options.events),
        addresses,
        Path(options.static),
        options.data_dir,
        options.demo_sql,
        amqp=amqp,
    )
    server = Server(config(build(site, options.guard, passwords, scheme), tls))
    watch.start()
    ticking = asyncio.create_task(site.ticker.run())
    following = asyncio.create_task(passwords.follow())
    serving = asyncio.create_task(server.serve([listener]))
    try:
        while not server.started and not serving.done():
            await asyncio.sleep(0.005)
        print(f"ready http={http}", flush=True)
        await asyncio.wait((serving, asyncio.create_task(stop.wait())), return_when=asyncio.FIRST_COMPLETED)
    finally:
        site.streams.close()
        server.should_exit = True
        await serving
        ticking.cancel()
        following.cancel()
        await watch.stop()
    return 0


def config(app: ASGIApp, tls: ssl.SSLContext | None = None) -> uvicorn.Config:
    """How uvicorn runs the application: bounded, and without a say of its own in who asks."""
    return uvicorn.Config(
        app,
        http=BoundedHttp,
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=CONNECTIONS_MAX,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=1,
        ssl_context_factory=None if tls is None else lambda config, default: tls,
    )


class Server(uvicorn.Server):
    """uvicorn without signal handlers of its own: the process has one place where it is told to stop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def listen(text: str) -> socket.socket:
    """The listening socket; raises PenstockError where the address is no good or taken."""
    host, _, port = text.rpartition(":")
    host = host.strip("[]") or "127.0.0.1"
    if not port.isdecimal() or int(port) > 65535:
        raise PenstockError(
            f"--http takes HOST:PORT, not {text!r}", remedy="for example --http 127.0.0.1:8080"
        )
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, int(port)))
        listener.listen(512)
    except OSError as error:
        listener.close()
        remedy = f"stop what listens there, or choose another: --http {host}:{(int(port) + 1) % 65536}"
        raise PenstockError(f"cannot listen on {text}: {error.strerror}", remedy=remedy) from None
    listener.setblocking(False)
    return listener
