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
from functools import partial
from pathlib import Path

import uvloop

from penstock import record
from penstock.app.addresses import Address, parse_address, taken
from penstock.broker.broker import Broker, BrokerOptions
from penstock.broker.topics.configs import facts_of
from penstock.calls import Append, AppendPart, CreateTopics, NewTopic, Principal
from penstock.errors import PenstockError
from penstock.lifeline import until_told
from penstock.log import Log, LogOptions
from penstock.log.disk import RealDisk
from penstock.serve.clocks import read_clocks
from penstock.serve.driver import Driver, ServeOptions
from penstock.wire.kafka.session import KafkaOptions, KafkaSession

logger = logging.getLogger("penstock.broker")
METRICS = "_penstock.metrics"
ITSELF = Principal("penstock", client_id="broker")


async def serve(data_dir: Path, kafka: Address, fsync: str) -> int:
    """Run until told to stop; the exit code."""
    stop, now = until_told(), read_clocks()
    keeping = LogOptions(sync=fsync)
    log = Log.open(RealDisk(data_dir), keeping, now)
    for cut in log.cuts:
        logger.warning("recovery: %s", cut)
    facts = facts_of(keeping) | {
        "advertised.listeners": f"PLAINTEXT://{kafka}",
        "listeners": f"PLAINTEXT://{kafka}",
    }
    broker = Broker(log, BrokerOptions(), now, os.urandom, facts)
    driver = Driver(broker, log, ServeOptions())
    bound: list[Address] = []
    session = partial(_kafka_session, bound)
    try:
        bound.append(Address(kafka.host, await driver.listen(kafka.host, kafka.port, session)))
    except OSError:
        log.close(read_clocks())
        raise taken(kafka, "--kafka") from None
    # The recovered state lives as long as the process: leave it out of every later collection.
    gc.collect()
    gc.freeze()
    print(f"ready kafka={bound[0]}", flush=True)
    publishing = asyncio.create_task(publish_measures(broker, driver))
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait((stopped, driver.failed), return_when=asyncio.FIRST_COMPLETED)
    publishing.cancel()
    await driver.close()
    if driver.failed.done():
        return 1
    log.close(read_clocks())
    return 0


def _kafka_session(bound: list[Address], host: str) -> KafkaSession:
    return KafkaSession(lambda: (bound[0].host, bound[0].port), Principal(host=host), KafkaOptions())


async def publish_measures(broker: Broker, driver: Driver, every_s: float = 1.0) -> None:
    """Append the broker's measures to `_penstock.metrics` once a second: whoever shows them reads a topic."""
    configs = {"retention.ms": "3600000", "segment.bytes": str(16 * 1024 * 1024)}
    broker.answer(CreateTopics(ITSELF, (NewTopic(METRICS, 1, 1, configs),)), read_clocks())
    while True:
        now = read_clocks()
        measures = {**broker.measures(), **driver.measures()}
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
    parser.add_argument("--fsync", default="always", choices=("always", "interval", "never"))
    given = parser.parse_args()
    try:
        kafka = parse_address(given.kafka, "--kafka")
        if kafka is None:
            raise PenstockError(
                "the broker without its Kafka listener has nothing to serve", remedy="give --kafka an address"
            )
        return uvloop.run(serve(given.data_dir, kafka, given.fsync))
    except PenstockError as error:
        print(f"penstock: {error}", file=sys.stderr, flush=True)
        return 2


if __name__ == "__main__":
    sys.exit(main())
