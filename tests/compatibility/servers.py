"""The two servers that everything here runs against: Apache Kafka and penstock, started for one run.

Settings are given in Kafka's words; penstock's equivalents are below. Knows nothing of what is run against them.
"""

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from bench.oracle import kafka as oracle

OPTIONS = {"num.partitions": "default_partitions"}
"""What of Kafka's settings is an option of our broker, by its name there."""

PROGRAM = """\
import functools, sys
from penstock.app import broker
broker.BrokerOptions = functools.partial(broker.BrokerOptions, **{options!r})
sys.exit(broker.main())
"""


@contextlib.contextmanager
def penstock(settings: Mapping[str, str] | None = None) -> Iterator[str]:
    """A penstock broker of its own on a free port; its address."""
    options = {OPTIONS[key]: int(value) for key, value in (settings or {}).items() if key in OPTIONS}
    with tempfile.TemporaryDirectory(prefix="compatibility-") as home:
        words = ["--data-dir", str(Path(home, "data")), "--kafka", "127.0.0.1:0"]
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM.format(options=options), *words],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        assert process.stdout is not None
        try:
            line = process.stdout.readline().decode()
            assert line.startswith("ready kafka="), f"the broker did not start: {line}"
            yield line.split("kafka=")[1].split()[0]
        finally:
            with contextlib.suppress(BrokenPipeError, subprocess.TimeoutExpired):
                process.communicate(timeout=10)
            process.kill()
            process.wait()


@contextlib.contextmanager
def kafka(settings: Mapping[str, str] | None = None) -> Iterator[str]:
    """Apache Kafka of its own on a free port, its internal topics made; its address."""
    from tests.differential.asking import warm

    with oracle.kafka(dict(settings or {})) as address:
        warm(address)
        yield address


SERVERS = {"kafka": kafka, "penstock": penstock}
