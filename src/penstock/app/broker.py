"""The broker process: the log, the broker and the wire gateways on one event loop.

    python -m penstock.app.broker --data-dir DIR --kafka 127.0.0.1:9092

Says ``ready kafka=HOST:PORT`` on standard output once clients can connect, and stops with its supervisor's pipe.
Imports no polars, numba or pyarrow: a broker starts in a fraction of a second and stays small.
"""

import argparse
import asyncio
import gc
import json
import logging
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import uvloop

from penstock import record
from penstock.allocator import keep_freed_memory
from penstock.app.addresses import Address, parse_address, parse_advertised, taken
from penstock.app.entrance import Entrance
from penstock.app.room import Room
from penstock.broker.broker import Broker, BrokerOptions
from penstock.broker.ledger.options import INNER, SECTION, LedgerOptions
from penstock.broker.topics.configs import facts_of
from penstock.calls import Append, AppendPart, CreateTopics, NewTopic, Principal
from penstock.errors import PenstockError
from penstock.lifeline import until_told
from penstock.log import Log, LogOptions
from penstock.log.disk import RealDisk
from penstock.options import add_flags, given_flags, read
from penstock.serve.clocks import read_clocks
from penstock.serve.driver import Driver, ServeOptions
from penstock.tls import TlsOptions
from penstock.users.file import FILE_NAME

logger = logging.getLogger("penstock.broker")
METRICS = "_penstock.metrics"
ITSELF = Principal("penstock", client_id="broker")


@dataclass(frozen=True)
class BrokerAddresses:
    """Where the broker listens, and what it tells clients."""

    kafka: Address
    advertised: str = ""
    inner: Address | None = None
    """Where penstock's own processes connect, without TLS: on loopback, where the other listener speaks TLS."""
    amqp: Address | None = None
    """Where AMQP clients connect."""
    inner_amqp: Address | None = None
    """As `inner`, for the queues."""


async def serve(
    disk: RealDisk, addresses: BrokerAddresses, fsync: str, entrance: Entrance, options: BrokerOptions
) -> int:
    """Run until told to stop; the exit code."""
    stop, now = until_told(), read_clocks()
    keeping = LogOptions(sync=fsync)
    log = Log.open(disk, keeping, now)
    for cut in log.cuts:
        logger.warning("recovery: %s", cut)
    protocol = entrance.protocol(entrance.tls is not None)
    facts = facts_of(keeping)
    broker = Broker(log, options, now, os.urandom, facts)
    driver = Driver(broker, log, ServeOptions())
    broker.use_users(entrance.users.directory)
    try:
        bound = await listen(driver, addresses, entrance, log.cluster_id)
    except PenstockError:
        log.close(read_clocks())
        raise
    # Only now is it known which port a listener on port 0 got.
    facts["listeners"] = f"{protocol}://{bound['kafka']}"
    facts["advertised.listeners"] = f"{protocol}://{addresses.advertised or bound['kafka']}"
    # The recovered state lives as long as the process: leave it out of every later collection.
    gc.collect()
    gc.freeze()
    print("ready", *(f"{name}={address}" for name, address in bound.items()), flush=True)
    publishing = asyncio.create_task(publish_measures(broker, driver, entrance.fetch_sessions.measures))
    following = asyncio.create_task(entrance.follow(broker))
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait((stopped, driver.failed), return_when=asyncio.FIRST_COMPLETED)
    publishing.cancel()
    following.cancel()
    await driver.close()
    if driver.failed.done():
        return 1
    log.close(read_clocks())
    return 0


async def listen(
    driver: Driver, addresses: BrokerAddresses, entrance: Entrance, cluster: str
) -> dict[str, Address]:
    """Open the listeners; where each stands, by name. Raises PenstockError."""
    listening = {}
    for name, address in (
        ("kafka", addresses.kafka), ("inner", addresses.inner),
        ("amqp", addresses.amqp), ("inner-amqp", addresses.inner_amqp),
    ):  # fmt: skip
        if address is None:
            continue
        told: list[Address] = []
        session = (
            partial(entrance.amqp_session, cluster)
            if name.endswith("amqp")
            else partial(entrance.session, partial(told.__getitem__, 0))
        )
        tls = None if name.startswith("inner") else entrance.tls
        try:
            bound = Address(address.host, await driver.listen(address.host, address.port, session, tls))
        except OSError:
            raise taken(address, f"--{name}") from None
        if not name.endswith("amqp"):
            advertised = addresses.advertised if name == "kafka" else ""
            told.append(parse_advertised(advertised, bound, "--advertised"))
        listening[name] = bound
    return listening


async def publish_measures(
    broker: Broker, driver: Driver, more: Callable[[], Mapping[str, float]], every_s: float = 1.0
) -> None:
    """Append the broker's measures to `_penstock.metrics` once a second: whoever shows them reads a topic."""
    configs = {"retention.ms": "3600000", "segment.bytes": str(16 * 1024 * 1024)}
    broker.answer(CreateTopics(ITSELF, (NewTopic(METRICS, 1, 1, configs),)), read_clocks())
    while True:
        now = read_clocks()
        measures = {**broker.measures(), **driver.measures(), **more()}
        value = json.dumps({"at_ms": now.wall_ms, "measures": measures}).encode()
        batch = record.encode([record.Record(b"broker", value, now.wall_ms, ())])
        broker.answer(Append(ITSELF, (AppendPart(METRICS, 0, batch),), acks=1), now)
        driver.settle()
        await asyncio.sleep(every_s)


def main() -> int:
    """The process's entrance."""
    logging.basicConfig(format="broker: %(message)s", level=logging.INFO)
    parser = argparse.ArgumentParser(prog="python -m penstock.app.broker", description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--kafka", default="127.0.0.1:9092")
    parser.add_argument(
        "--inner", default="off", help="a loopback listener without TLS, for our own processes"
    )
    parser.add_argument("--inner-amqp", default="off", help="the same for the queues")
    parser.add_argument("--amqp", default="off", help="where AMQP clients connect: HOST:PORT, PORT or off")
    parser.add_argument("--advertised", default="", help="what clients are told to connect to, HOST:PORT")
    parser.add_argument("--fsync", default="always", choices=("always", "interval", "never"))
    parser.add_argument(
        "--users", type=Path, help=f"the users' file (default: {FILE_NAME} in the data directory)"
    )
    add_flags(parser, TlsOptions, "tls")
    add_flags(parser, LedgerOptions, SECTION, skip=INNER)
    given = parser.parse_args()
    keep_freed_memory()
    try:
        disk = RealDisk(given.data_dir)
        disk.lock()  # before anything in it is read: its own error says more than that of the first file
        tls = TlsOptions(**given_flags(vars(given), TlsOptions, "tls"))
        entrance = Entrance(given.users or given.data_dir / FILE_NAME, tls, Room(given.data_dir))
        kafka = parse_address(given.kafka, "--kafka", secured=entrance.secured)
        if kafka is None:
            raise PenstockError(
                "the broker without its Kafka listener has nothing to serve", remedy="give --kafka an address"
            )
        amqp = parse_address(given.amqp, "--amqp", secured=entrance.secured)
        addresses = BrokerAddresses(
            kafka, given.advertised, parse_address(given.inner, "--inner"), amqp,
            parse_address(given.inner_amqp, "--inner-amqp"),
        )  # fmt: skip
        ledger = read(LedgerOptions, SECTION, given_flags(vars(given), LedgerOptions, SECTION), skip=INNER)
        return uvloop.run(serve(disk, addresses, given.fsync, entrance, BrokerOptions(ledger=ledger)))
    except PenstockError as error:
        print(f"penstock: {error}", file=sys.stderr, flush=True)
        return 2


if __name__ == "__main__":
    sys.exit(main())
