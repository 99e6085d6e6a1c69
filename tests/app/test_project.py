"""What a project's file, the environment and the command line say together, and that it reaches who reads it."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from penstock.amqp import connect, url_of
from penstock.app.project import open_project, options_of
from penstock.broker.ledger.options import INNER, SECTION, LedgerOptions
from penstock.client import Client
from penstock.content import Properties
from penstock.errors import PenstockError
from penstock.options import given_words
from penstock.testing.processes import BrokerProcess
from tests.work.process import everything, until


def ledger(folder: Path, text: str, **given: Any) -> LedgerOptions:
    (folder / "penstock.toml").write_text(text)
    return options_of(open_project(folder), {f"{SECTION}.{name}": value for name, value in given.items()})[2]


def test_how_queues_are_kept_is_said_by_flag_environment_and_file_in_that_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ledger(tmp_path, "") == LedgerOptions()
    monkeypatch.setenv("PENSTOCK_QUEUES_CLEAN_BYTES_MIN", "7")
    text = "[queues]\nmemory_bytes = 1\nclean_bytes_min = 2\nlive_share_min = 0.25\n"
    assert ledger(tmp_path, text, memory_bytes="9") == LedgerOptions(
        memory_bytes=9, clean_bytes_min=7, live_share_min=0.25
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("queues = 5", "queues is a table"),
        ("[queues]\nsegment_bytes = 1", "unknown option queues.segment_bytes"),
        ("[queues]\nmemory_bytes = 'much'", "takes int"),
        ("[queues]\nlive_share_min = 1.5", "from 0 to below 1"),
    ],
)
def test_what_cannot_be_meant_is_refused(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(PenstockError, match=says):
        ledger(tmp_path, text)


def test_the_broker_keeps_its_queues_as_it_is_told(tmp_path: Path) -> None:
    async def test(kafka: str, amqp: str) -> None:
        connection = await connect(url_of(amqp))
        channel = await connection.channel()
        await channel.confirm()
        await channel.call("queue.declare", queue="q", durable=True)
        for number in range(8):  # a block each
            lasting = Properties.made(delivery_mode=2, message_id=str(number))
            await channel.publish("", "q", lasting, b"x" * 1000)
        async with Client(kafka) as client:

            async def measured() -> Any:
                newest = (await everything(client, "_penstock.metrics"))[-1].value or b""
                measures = json.loads(newest)["measures"]
                return measures if measures["penstock_queue_messages"] == 8 else None

            held_bytes = (await until(measured))["penstock_queue_memory_bytes"]
            assert 1000 < held_bytes < 4000, "the newest block alone"
        await connection.close()

    told = given_words(LedgerOptions(memory_bytes=0), SECTION, INNER)
    with BrokerProcess(tmp_path, words=("--amqp", "127.0.0.1:0", *told)) as broker:
        asyncio.run(test(broker.address, broker.ready["amqp"]))
