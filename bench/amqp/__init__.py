"""Queues beside RabbitMQ, in one run: publish with confirms, consume with acknowledgements, a million that wait, start.

    python -m bench.amqp                  # medians of three
    python -m bench.amqp --short          # each figure once, with little data
    python -m bench.amqp --side penstock  # one server alone; --size, --connections and --waiting likewise

Writes `bench/out/amqp.json` as it goes, and prints the tables of `docs/benchmarks.md`; `--docs` puts them there. `--table
FILE` prints those of an earlier run.

Method. The servers take turns, each started anew on an empty directory; medians. Queues are durable and messages
persistent; both sync before they confirm. Clients are prepared bytes over bare sockets in one process (`peer`).
"""

from bench.amqp.whole import Scale, measure

__all__ = ["run"]


def run() -> dict[str, object]:
    """Everything at full length, for `make bench`."""
    return measure(Scale())
