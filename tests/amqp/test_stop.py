"""A server that stops tells its clients why, as RabbitMQ does, and does not wait for those who do not answer."""

import socket
import threading
import time
from pathlib import Path

import pika
import pytest
from bench.oracle import rabbitmq as oracle
from pika.exceptions import AMQPConnectionError, ConnectionClosedByBroker

from penstock.testing.processes import BrokerProcess
from penstock.wire.amqp.methods import frame
from tests.amqp.driving import Client, opened, parsed, publish
from tests.amqp.test_clients import AMQP, connect
from tests.amqp.test_time import written

TOLD = (320, "CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'")


def stopped(client: Client) -> list[str]:
    client._run(client.session.stop())
    return [name for _, name, _ in parsed(written(client))]


# --- the session -------------------------------------------------------------------------------------------------------


def test_an_open_connection_is_closed_with_the_reason_and_ends_when_its_client_agrees() -> None:
    client = opened()
    client.step(frame(1, "queue.declare", queue="q"))
    client._run(client.session.stop())
    ((channel, name, fields),) = parsed(written(client))
    assert (channel, name) == (0, "connection.close")
    assert (fields["reply_code"], fields["reply_text"]) == TOLD
    assert not client.session.closing
    assert client.step(publish(1, "q"), frame(0, "connection.close-ok")) == []
    assert client.session.closing
    assert client.lose() == [], "the broker let go of it before it was told"
    assert not client.broker.queues["q"], "what comes after it is not read"


def test_one_that_opens_ends_without_a_word_and_one_that_ends_is_told_once() -> None:
    client = Client()
    client.step(b"AMQP\0\0\x09\x01")
    assert stopped(client) == []
    assert client.session.closing
    client = opened()
    assert [name for _, name, _ in client.step(frame(1, "basic.recover"))] == ["connection.close"]
    assert stopped(client) == []


# --- clients -----------------------------------------------------------------------------------------------------------


def told(connection: pika.BlockingConnection) -> tuple[int, str]:
    """Why the server closed the connection."""
    with pytest.raises(ConnectionClosedByBroker) as caught:
        for _ in range(100):
            connection.process_data_events(0.1)
    return caught.value.reply_code, caught.value.reply_text


def test_a_client_of_a_broker_that_stops_is_told_even_while_it_publishes(tmp_path: Path) -> None:
    def publish_on() -> None:
        channel = busy.channel()
        channel.queue_declare("q")
        try:
            while True:
                channel.basic_publish("", "q", b"x" * 1000)
                begun.set()
        except AMQPConnectionError as error:
            heard.append(error)

    heard: list[AMQPConnectionError] = []
    begun = threading.Event()
    with BrokerProcess(tmp_path, words=AMQP) as broker:
        quiet, busy = connect(broker.ready["amqp"]), connect(broker.ready["amqp"])
        publishing = threading.Thread(target=publish_on)
        publishing.start()
        assert begun.wait(10)
        stopping = threading.Thread(target=broker.stop)
        stopping.start()
        assert told(quiet) == TOLD
        publishing.join(10)
        stopping.join(10)
    (why,) = heard
    assert isinstance(why, ConnectionClosedByBroker)
    assert (why.reply_code, why.reply_text) == TOLD


def test_a_client_that_does_not_answer_holds_nothing_up(tmp_path: Path) -> None:
    with BrokerProcess(tmp_path, words=AMQP) as broker:
        host, port = broker.ready["amqp"].split(":")
        mute, silent = connect(broker.ready["amqp"]), socket.create_connection((host, int(port)))
        begun_s = time.monotonic()
        broker.stop()
        assert time.monotonic() - begun_s < 1.4, "the supervisor gives it as much"
        assert told(mute) == TOLD, "it finds it when it looks"
        silent.close()


@pytest.mark.slow
@pytest.mark.skipif(bool(oracle.missing()), reason=oracle.missing())
def test_rabbitmq_says_it_so() -> None:
    with oracle.rabbitmq() as address:
        connection = connect(address)
    assert told(connection) == TOLD
