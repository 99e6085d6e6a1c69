"""Runs the suites whole, on RabbitMQ and on penstock, and writes docs/compatibility/amqp-suites.md.

    python -m tests.amqp.suites [rabbitmq|penstock] [SUITE …]     # both servers and all suites without

What became of each test is kept in outcomes.json: what passes on RabbitMQ is the allow-list. Ends with 1 where a test of it
fails on penstock and nobody knows why (REASONS).
"""

import contextlib
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from bench.oracle import rabbitmq as oracle

from penstock.testing.processes import BrokerProcess
from tests.amqp.suites.sources import SOURCES, run
from tests.compatibility.suites.running import Outcome

KEPT: Final = Path(__file__).with_name("outcomes.json")
PAGE: Final = Path(__file__).parents[3] / "docs" / "compatibility" / "amqp-suites.md"
Kept = dict[str, dict[str, dict[str, Outcome]]]
"""Outcomes by suite, server and test."""

RACE: Final = "a race of the client's own: it fails on RabbitMQ, too, in other runs"
REASONS: Final[Mapping[str, str]] = {
    "tests.test_memory_leak::test_leak_unclosed_channel": RACE,
    "tests.test_reconnect_channel_snapshot::": RACE,
}
"""Why a test that passes on RabbitMQ does not here; keys are the beginnings of names."""

INTRODUCTION: Final = """\
# kombu's and aio-pika's own test suites

Written by `python -m tests.amqp.suites`, which runs the integration tests that come in the source archives of kombu (below
Celery) and aio-pika on PyPI: on RabbitMQ {version} first, then on penstock. The tests are not changed; aio-pika's module
that starts RabbitMQ in docker gives way to a server that runs. Left out are aio-pika's tests over TLS, which are the others
once more and want that docker image's certificates. What stops and starts docker's containers fails on both.
"""


@contextlib.contextmanager
def penstock() -> Iterator[str]:
    """A broker of ours; gives its address for AMQP."""
    with (
        tempfile.TemporaryDirectory(prefix="suites-") as home,
        BrokerProcess(Path(home), words=("--amqp", "127.0.0.1:0")) as broker,
    ):
        yield broker.ready["amqp"]


SERVERS: Final[Mapping[str, Callable[[], AbstractContextManager[str]]]] = {
    "rabbitmq": oracle.rabbitmq,
    "penstock": penstock,
}


def kept() -> Kept:
    """What became of each test when it last ran."""
    return json.loads(KEPT.read_text()) if KEPT.exists() else {}


def keep(outcomes: Kept) -> None:
    """One line a test."""
    suites = []
    for suite, by_server in outcomes.items():
        servers = []
        for server, tests in by_server.items():
            lines = [f"{json.dumps(test)}: {json.dumps(outcome)}" for test, outcome in tests.items()]
            servers.append(f"{json.dumps(server)}: {{\n" + ",\n".join(lines) + "\n}")
        suites.append(f"{json.dumps(suite)}: {{\n" + ",\n".join(servers) + "\n}")
    KEPT.write_text("{\n" + ",\n".join(suites) + "\n}\n")


def passed(outcomes: Mapping[str, Outcome]) -> list[str]:
    return [test for test, outcome in outcomes.items() if outcome[0] == "passed"]


def reason(test: str) -> str:
    """Why; empty where nobody knows."""
    return next((why for name, why in REASONS.items() if test.startswith(name)), "")


def differing(by_server: Mapping[str, Mapping[str, Outcome]]) -> dict[str, str]:
    """Tests that pass on RabbitMQ and not here, with what was said."""
    here = by_server["penstock"]
    found = {test: here.get(test, ("", "did not run")) for test in passed(by_server["rabbitmq"])}
    return {test: outcome[1] for test, outcome in found.items() if outcome[0] != "passed"}


def unexplained(outcomes: Kept) -> list[str]:
    """Those of which nobody knows why."""
    return [
        f"{suite}: {test}: {said}"
        for suite, by_server in outcomes.items()
        for test, said in differing(by_server).items()
        if not reason(test)
    ]


def markdown(outcomes: Kept) -> str:
    """The page: numbers, what differs, what RabbitMQ does not pass, the allow-list."""
    lines = [
        INTRODUCTION.format(version=oracle.VERSION),
        "| suite | tests | pass on RabbitMQ | of these on penstock |",
        "|---|---|---|---|",
    ]
    for suite, by_server in outcomes.items():
        there = passed(by_server["rabbitmq"])
        lines.append(
            f"| {suite} | {len(by_server['rabbitmq'])} | {len(there)} | {len(there) - len(differing(by_server))} |"
        )
    for suite, by_server in outcomes.items():
        lines += ["", f"## {suite}", ""]
        lines += [
            f"- `{test}` differs: {reason(test) or 'a defect: ' + said}"
            for test, said in differing(by_server).items()
        ]
        for what in ("failed", "skipped"):
            some = {test: one[1] for test, one in by_server["rabbitmq"].items() if one[0] == what}
            lines += [f"- `{test}` {what} on RabbitMQ: {said}" for test, said in some.items()]
        allowed = passed(by_server["rabbitmq"])
        lines += ["", f"<details><summary>The allow-list: {len(allowed)} tests</summary>", ""]
        lines += [*(f"- `{test}`" for test in allowed), "", "</details>"]
    return "\n".join(lines) + "\n"


def main(words: list[str]) -> int:
    """See the module's first lines."""
    servers = [name for name in SERVERS if name in words] or list(SERVERS)
    suites = [suite for suite in SOURCES if suite.package in words] or list(SOURCES)
    outcomes = kept()
    for suite in suites:
        for name in servers:
            with SERVERS[name]() as address:
                found = run(suite, address)
            outcomes.setdefault(suite.package, {})[name] = found
            print(suite.package, name, len(passed(found)), "of", len(found), flush=True)
            keep(outcomes)
    PAGE.write_text(markdown(outcomes))
    bad = unexplained(outcomes)
    print(*bad, sep="\n")
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
