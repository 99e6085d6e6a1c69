"""Clients that others wrote, on a broker process of ours: pika, and aio-pika over TLS."""

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aio_pika
import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import ChannelClosedByBroker, ConnectionClosedByBroker, ProbableAuthenticationError

from penstock.testing.processes import BrokerProcess
from penstock.users import change, file
from penstock.users.directory import Directory
from penstock.users.rules import parse_rule
from tests.secured.certificates import Authority

LASTING = pika.BasicProperties(delivery_mode=2, content_type="text/plain")
AMQP = ("--amqp", "127.0.0.1:0")


def connect(address: str, **options: Any) -> pika.BlockingConnection:
    host, port = address.split(":")
    return pika.BlockingConnection(pika.ConnectionParameters(host, int(port), **options))


def confirmed(address: str) -> BlockingChannel:
    channel = connect(address).channel()
    channel.confirm_delivery()
    return channel


def soon(channel: BlockingChannel, queue: str) -> tuple[Any, Any, Any]:
    """A message of the queue, which may be on its way."""
    for _ in range(250):
        method, properties, body = channel.basic_get(queue, auto_ack=True)
        if method is not None:
            return method, properties, body
        time.sleep(0.02)
    raise AssertionError(f"nothing came to {queue}")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with BrokerProcess(tmp_path_factory.mktemp("amqp"), words=AMQP) as broker:
        yield broker.ready["amqp"]


def test_a_producer_and_a_consumer_of_emails(address: str) -> None:
    channel = confirmed(address)
    channel.queue_declare("emails", durable=True)
    for number in range(20):
        channel.basic_publish("", "emails", f"email {number}".encode(), LASTING, mandatory=True)
    consumer = connect(address).channel()
    consumer.basic_qos(prefetch_count=3)
    found = []
    for method, properties, body in consumer.consume("emails", inactivity_timeout=5):
        assert method is not None, found
        assert properties.content_type == "text/plain"
        found.append(body.decode())
        consumer.basic_ack(method.delivery_tag)
        if len(found) == 20:
            break
    consumer.cancel()
    assert found == [f"email {number}" for number in range(20)]
    assert channel.queue_declare("emails", passive=True).method.message_count == 0
    consumer.connection.close()
    channel.connection.close()


def test_orders_that_fail_are_dead_letters(address: str) -> None:
    channel = confirmed(address)
    channel.exchange_declare("dlx", "direct", durable=True)
    channel.queue_declare("dlq", durable=True)
    channel.queue_bind("dlq", "dlx", "dlq")
    dead = {"x-dead-letter-exchange": "dlx", "x-dead-letter-routing-key": "dlq"}
    channel.queue_declare("orders", durable=True, arguments=dead)
    channel.basic_publish("", "orders", b"order 1", LASTING)
    method, _, _ = channel.basic_get("orders")
    channel.basic_nack(method.delivery_tag, requeue=False)
    _, properties, body = soon(channel, "dlq")
    assert body == b"order 1"
    (death,) = properties.headers["x-death"]
    assert (death["queue"], death["reason"], death["count"]) == ("orders", "rejected", 1)
    channel.connection.close()


def test_bodies_of_all_sizes_come_through_whole(address: str) -> None:
    channel = confirmed(address)
    channel.queue_declare("sizes", exclusive=True)
    for size in (0, 1, 131063, 131064, 131065, 3_000_000):
        sent = bytes(range(256)) * (size // 256) + bytes(size % 256)
        channel.basic_publish("", "sizes", sent, LASTING)
        assert channel.basic_get("sizes", auto_ack=True)[2] == sent, size
    channel.connection.close()


def test_a_lost_consumer_s_messages_are_delivered_again(address: str) -> None:
    channel = confirmed(address)
    channel.queue_declare("held", durable=True)
    channel.basic_publish("", "held", b"work", LASTING)
    lost = connect(address)
    assert lost.channel().basic_get("held")[2] == b"work"
    assert channel.basic_get("held")[0] is None
    lost._impl._transport._sock.shutdown(socket.SHUT_RDWR)  # as a crash would
    method, _, body = soon(channel, "held")
    assert (method.redelivered, body) == (True, b"work")
    channel.connection.close()


def test_heartbeats_keep_a_silent_connection_and_their_loss_ends_it(address: str) -> None:
    silent, beating = connect(address, heartbeat=1), connect(address, heartbeat=1)
    until_s = time.monotonic() + 3.5
    while time.monotonic() < until_s:
        beating.process_data_events(0.1)  # the other does nothing, as a process that hangs
    assert beating.channel().is_open
    with pytest.raises(Exception, match=r"."):
        silent.channel()
    beating.close()


def test_a_consumer_is_told_that_its_queue_is_gone(address: str) -> None:
    channel, other = connect(address).channel(), connect(address).channel()
    channel.queue_declare("going")
    told = threading.Event()
    channel.add_on_cancel_callback(lambda frame: told.set())
    channel.basic_consume("going", lambda *_: None)
    other.queue_delete("going")
    channel.connection.process_data_events(2)
    assert told.is_set()


def test_an_error_of_one_channel_leaves_the_others(address: str) -> None:
    connection = connect(address)
    bad, good = connection.channel(), connection.channel()
    with pytest.raises(ChannelClosedByBroker, match="no queue 'nowhere' in vhost '/'"):
        bad.queue_declare("nowhere", passive=True)
    good.queue_declare("somewhere", exclusive=True)
    with pytest.raises(ConnectionClosedByBroker, match="NOT_IMPLEMENTED"):
        good.basic_qos(prefetch_size=10)


def test_two_hundred_channels_work_side_by_side(address: str) -> None:
    connection = connect(address)
    channels = [connection.channel() for _ in range(200)]
    channels[0].queue_declare("many", exclusive=True)
    for number, channel in enumerate(channels):
        channel.basic_publish("", "many", b"%d" % number)
    assert len({soon(channel, "many")[2] for channel in channels}) == 200
    connection.close()


def test_what_was_confirmed_is_there_after_a_kill(tmp_path: Path) -> None:
    with BrokerProcess(tmp_path, words=AMQP) as broker:
        channel = confirmed(broker.ready["amqp"])
        channel.queue_declare("q", durable=True)
        for number in range(50):
            channel.basic_publish("", "q", b"%d" % number, LASTING)
        method, _, _ = channel.basic_get("q")
        channel.basic_ack(method.delivery_tag)
        broker.kill()
        broker.start()
        channel = confirmed(broker.ready["amqp"])
        count = channel.queue_declare("q", durable=True).method.message_count
        assert count in (49, 50)  # the ack may not have been safe yet: nothing says so
        bodies = [channel.basic_get("q", auto_ack=True)[2] for _ in range(count)]
        assert bodies[-49:] == [b"%d" % number for number in range(1, 50)]


# --- who may come in ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Authority]]:
    folder = tmp_path_factory.mktemp("secured-amqp")
    authority = Authority(folder / "authority")
    server = authority.sign("server", "DNS:localhost", "IP:127.0.0.1")
    made = Directory()
    for rule in ("describe vhost:/", "all queue:tasks", "all exchange:amq.default"):
        made = change.add_rule(made, "role:tasks", parse_rule(f"allow {rule}"))
    made = change.add_user(made, "ada", "secret", ("admin",), bytes)
    made = change.add_user(made, "bob", "secret", (), bytes)
    made = change.add_user(made, "carol", None, ("tasks",), bytes)
    file.write(folder / file.FILE_NAME, made)
    words = (
        *AMQP,
        "--tls-cert",
        str(server.cert),
        "--tls-key",
        str(server.key),
        "--tls-ca",
        str(authority.ca),
    )
    with BrokerProcess(folder, words=words) as broker:
        yield broker.ready["amqp"], authority


def over_tls(authority: Authority, name: str = "") -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(authority.ca))
    if name:
        pair = authority.sign(name)
        context.load_cert_chain(pair.cert, pair.key)
    return context


def test_a_user_comes_in_over_tls_by_password(secured: tuple[str, Authority]) -> None:
    async def run() -> bytes:
        host, port = secured[0].split(":")
        url = f"amqps://ada:secret@{host}:{port}/"
        async with await aio_pika.connect_robust(url, ssl_context=over_tls(secured[1])) as connection:
            channel = await connection.channel()
            queue = await channel.declare_queue("aio", durable=True)
            await channel.default_exchange.publish(aio_pika.Message(b"hello"), "aio")
            async with queue.iterator() as messages:
                async for message in messages:
                    async with message.process():
                        return message.body
        raise AssertionError("nothing came")

    assert asyncio.run(asyncio.wait_for(run(), 20)) == b"hello"


def login(secured: tuple[str, Authority], credentials: Any, name: str = "") -> pika.BlockingConnection:
    options = pika.SSLOptions(over_tls(secured[1], name), "localhost")
    return connect(secured[0], credentials=credentials, ssl_options=options)


def test_a_certificate_is_a_user_by_external(secured: tuple[str, Authority]) -> None:
    channel = login(secured, pika.credentials.ExternalCredentials(), "carol").channel()
    channel.queue_declare("tasks")
    with pytest.raises(ChannelClosedByBroker, match="ACCESS_REFUSED"):
        channel.queue_declare("others")


@pytest.mark.parametrize(("user", "password"), [("ada", "wrong"), ("nobody", "secret"), ("guest", "guest")])
def test_who_is_not_known_does_not_come_in(secured: tuple[str, Authority], user: str, password: str) -> None:
    with pytest.raises(ProbableAuthenticationError, match="Login was refused"):
        login(secured, pika.PlainCredentials(user, password))


def test_who_has_no_right_to_a_virtual_host_is_told(secured: tuple[str, Authority]) -> None:
    with pytest.raises(Exception, match="access to vhost '/' refused for user 'bob'"):
        login(secured, pika.PlainCredentials("bob", "secret"))


def test_who_does_not_speak_tls_is_cut_off(secured: tuple[str, Authority]) -> None:
    with pytest.raises(Exception, match=r"."):
        connect(secured[0], socket_timeout=3, stack_timeout=4)
