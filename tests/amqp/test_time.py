"""Heartbeats both ways, and publishers that wait while the disk is nearly full."""

from penstock.wire.amqp.methods import frame
from tests.amqp.driving import HEARTBEAT, NOW, Client, opened, parsed, publish


def written(client: Client) -> bytes:
    return b"".join(client.session.take_output())


def test_a_heartbeat_is_sent_when_nothing_else_was() -> None:
    client = opened(heartbeat=10)
    client.session.tick(NOW)
    assert not client.session.tick(NOW.after(4))
    assert client.session.tick(NOW.after(5))
    assert written(client) == HEARTBEAT
    client.session.tick(NOW.after(5.1))
    client.step(frame(1, "basic.qos"), now=NOW.after(9))
    client.session.tick(NOW.after(9.1))
    assert not client.session.tick(NOW.after(13))
    assert client.session.tick(NOW.after(14.2))
    assert written(client) == HEARTBEAT


def test_a_client_that_is_silent_for_two_heartbeats_is_cut_off() -> None:
    client = opened(heartbeat=10)
    client.session.tick(NOW)
    client.step(HEARTBEAT, now=NOW.after(10))
    client.session.tick(NOW.after(29))
    assert not client.session.closing
    client.session.tick(NOW.after(31))
    assert client.session.closing
    assert "missed heartbeats" in client.session.take_notices()[0].message


def test_without_heartbeats_silence_is_no_sign() -> None:
    client = opened(heartbeat=0)
    client.session.tick(NOW)
    assert not client.session.tick(NOW.after(100_000))
    assert written(client) == b""


def test_who_publishes_is_blocked_while_the_disk_is_nearly_full() -> None:
    client = opened(heartbeat=10)
    client.low = True
    assert not client.session.tick(NOW)
    assert not client.session.paused
    client.step(publish(1, "q"))
    assert client.session.tick(NOW.after(1))
    assert list(parsed(written(client))) == [(0, "connection.blocked", {"reason": "low on disk"})]
    assert client.session.paused
    client.session.tick(NOW.after(2))
    # It is not read from: its silence is no sign of death.
    client.session.tick(NOW.after(100))
    assert list(parsed(written(client))) == [(8, 0, b"")]
    assert not client.session.closing
    client.low = False
    client.session.tick(NOW.after(101))
    assert (0, "connection.unblocked", {}) in list(parsed(written(client)))
    assert not client.session.paused
    client.session.tick(NOW.after(110))
    assert not client.session.closing


def test_who_does_not_know_of_blocking_is_held_back_all_the_same() -> None:
    client = opened()
    client.session.capabilities = frozenset()
    client.step(publish(1, "q"))
    client.low = True
    assert not client.session.tick(NOW)
    assert client.session.paused


def test_a_connection_closes_when_what_was_asked_is_done() -> None:
    client = opened()
    client.step(frame(1, "queue.declare", queue="q"))
    (purge,) = client.session.receive(frame(1, "queue.purge", queue="q") + publish(1, "q"), NOW)
    assert client.session.receive(frame(0, "connection.close", reply_code=200), NOW) == []
    client._run(client.session.answer(purge[0], 0))
    assert [name for _, name, _ in parsed(written(client))] == ["queue.purge-ok", "connection.close-ok"]
    assert client.session.closing
    assert len(client.broker.queues["q"]) == 1
    assert client.lose() == []


def test_a_connection_that_closes_while_its_login_is_looked_at_is_let_go() -> None:
    client = Client()
    client.step(b"AMQP\0\0\x09\x01", frame(0, "connection.close", reply_code=200))
    assert client.session.closing
