"""Messages: published in runs, leased, delivered, settled in runs, returned, confirmed."""

import pytest

from penstock.calls import queues as q
from penstock.content import Properties
from penstock.errors import Refusal, Refused
from penstock.wire.amqp.methods import frame
from tests.amqp.driving import NOW, Client, body, header, opened, publish

JSON = Properties.made(content_type="application/json", delivery_mode=2)


def asked(client: Client, kind: type) -> list[object]:
    return [call for call in client.broker.asked if isinstance(call, kind)]


def with_queue(**options: object) -> Client:
    client = opened(channels=3, **options)  # type: ignore[arg-type]
    client.step(frame(1, "queue.declare", queue="q"))
    client.broker.asked.clear()
    return client


def test_a_message_goes_through_as_it_came() -> None:
    client = with_queue()
    client.step(publish(1, "q", b'{"a": 1}', JSON))
    got = client.step(frame(1, "basic.get", queue="q"))
    fields = {"delivery_tag": 1, "redelivered": False, "exchange": "", "routing_key": "q", "message_count": 0}
    assert got == [
        (1, "basic.get-ok", fields),
        (2, 1, b"\0\x3c\0\0\0\0\0\0\0\0\0\x08" + JSON.raw),
        (3, 1, b'{"a": 1}'),
    ]
    assert client.step(frame(1, "basic.get", queue="q")) == [(1, "basic.get-empty", {"reserved_1": ""})]


def test_all_publishes_of_a_channel_that_came_together_are_one_call() -> None:
    client = with_queue()
    client.step(*(publish(1 + number % 2, "q", b"%d" % number) for number in range(10)))
    calls = asked(client, q.Publish)
    assert [[one.content.body for one in call.messages] for call in calls] == [  # type: ignore[attr-defined]
        [b"0", b"2", b"4", b"6", b"8"], [b"1", b"3", b"5", b"7", b"9"],
    ]  # fmt: skip


def test_the_order_of_a_channel_is_kept_between_runs() -> None:
    client = with_queue()
    client.step(
        publish(1, "q", b"1"), publish(1, "q", b"2"), frame(1, "basic.get", queue="q"),
        frame(1, "basic.ack", delivery_tag=1), publish(1, "q", b"3"), frame(1, "queue.purge", queue="q"),
    )  # fmt: skip
    asked_in_order = [call for call in client.broker.asked if not isinstance(call, q.AwaitSafe)]
    names = [type(call).__name__ for call in asked_in_order]
    assert names == ["Publish", "Get", "Settle", "Publish", "PurgeQueue"]


def test_a_body_may_come_in_many_frames_and_other_channels_between() -> None:
    client = with_queue()
    client.step(
        frame(1, "basic.publish", routing_key="q"), publish(2, "q", b"other"), header(1, 6), body(1, b"ab"),
        publish(2, "q", b"again"), body(1, b""), body(1, b"cdef"),
    )  # fmt: skip
    assert sorted(one.body for one in client.broker.queues["q"]) == [b"abcdef", b"again", b"other"]
    assert client.session.bytes_unfinished == client.session.bytes_in_flight == 0


def test_what_came_of_messages_goes_with_the_client() -> None:
    """Session and channels know each other: without this, the bytes of who hangs up halfway stay until Python collects circles."""
    client = with_queue()
    client.step(
        frame(1, "basic.publish", routing_key="q"), header(1, 1000), body(1, b"ab"), body(1, b"c" * 100)[:50]
    )
    assert client.session.bytes_unfinished == 52
    client.session.lost()
    assert client.session.bytes_unfinished == 0 and all(
        c.body is None for c in client.session.channels.values()
    )


def test_an_empty_body_has_no_frame() -> None:
    client = with_queue()
    client.step(publish(1, "q", b""))
    assert [kind for kind, *_ in client.step(frame(1, "basic.get", queue="q"))] == [1, 2]


def test_a_large_body_leaves_in_frames_of_the_negotiated_size() -> None:
    client = with_queue()
    sent = bytes(range(256)) * 1500
    client.step(frame(1, "basic.publish", routing_key="q"), header(1, len(sent)))
    client.step(*(body(1, sent[at : at + 100_000]) for at in range(0, len(sent), 100_000)))
    frames = client.step(frame(1, "basic.get", queue="q"))
    pieces = [payload for kind, _, payload in frames if kind == 3]
    assert b"".join(pieces) == sent
    assert [len(piece) for piece in pieces] == [131064, 131064, 121872]
    client.step(frame(2, "basic.consume", queue="q", consumer_tag="c"))
    again = client.step(frame(1, "basic.reject", delivery_tag=1, requeue=True))
    assert [payload for kind, _, payload in again if kind == 3] == pieces


def test_a_consumer_gets_what_there_is_and_what_comes() -> None:
    client = with_queue()
    client.step(publish(1, "q", b"1"))
    told = client.step(frame(2, "basic.consume", queue="q", consumer_tag="c"))
    assert [name for _, name, _ in told[:2]] == ["basic.consume-ok", "basic.deliver"]
    told = client.step(publish(1, "q", b"2"), publish(1, "q", b""))
    assert [said[2]["delivery_tag"] for said in told if said[1] == "basic.deliver"] == [2, 3]
    assert told[0] == (
        2, "basic.deliver",
        {"consumer_tag": "c", "delivery_tag": 2, "redelivered": False, "exchange": "", "routing_key": "q"},
    )  # fmt: skip


def test_one_lease_of_a_channel_is_under_way_however_many_consume() -> None:
    client = with_queue()
    client.step(*(frame(2, "basic.consume", queue="q", consumer_tag=str(number)) for number in range(3)))
    assert len(asked(client, q.Lease)) == 1
    client.step(publish(1, "q"))
    assert len(asked(client, q.Lease)) == 2


def test_the_more_channels_consume_the_less_each_leases() -> None:
    client = with_queue()
    client.step(*(frame(number, "basic.consume", queue="q") for number in (1, 2, 3)))
    assert [call.bytes_max for call in asked(client, q.Lease)] == [1048576, 524288, 349525]  # type: ignore[attr-defined]


def test_acknowledgements_that_came_together_are_one_call() -> None:
    client = with_queue()
    client.step(*(publish(1, "q") for _ in range(6)), frame(1, "basic.consume", queue="q"))
    client.step(
        frame(1, "basic.ack", delivery_tag=1), frame(1, "basic.ack", delivery_tag=3, multiple=True),
        frame(1, "basic.nack", delivery_tag=4, requeue=True), frame(1, "basic.nack", delivery_tag=5),
        frame(1, "basic.reject", delivery_tag=6, requeue=True),
    )  # fmt: skip
    assert [call.settlements for call in asked(client, q.Settle)] == [  # type: ignore[attr-defined]
        [(1, False, q.Mark.ACK, 1), (3, True, q.Mark.ACK, 1)],
        [(4, False, q.Mark.REQUEUE, 1), (5, False, q.Mark.REJECT, 1)],
        [(6, False, q.Mark.REQUEUE, 1)],
    ]


def test_acknowledgements_of_tags_in_a_row_are_one_settlement_and_others_are_not() -> None:
    client = with_queue()
    client.step(*(publish(1, "q") for _ in range(9)), frame(1, "basic.consume", queue="q"))
    client.step(*(frame(1, "basic.ack", delivery_tag=tag) for tag in (1, 2, 3)))
    client.step(*(frame(1, "basic.ack", delivery_tag=tag) for tag in (4, 6, 5)))
    client.step(
        frame(1, "basic.ack", delivery_tag=7), frame(1, "basic.ack", delivery_tag=9, multiple=True),
    )  # fmt: skip
    assert [call.settlements for call in asked(client, q.Settle)] == [  # type: ignore[attr-defined]
        [(1, False, q.Mark.ACK, 3)],
        [(4, False, q.Mark.ACK, 1), (6, False, q.Mark.ACK, 1), (5, False, q.Mark.ACK, 1)],
        [(7, False, q.Mark.ACK, 1), (9, True, q.Mark.ACK, 1)],
    ]


def test_a_consumer_whose_queue_goes_is_told_where_it_knows_of_that() -> None:
    client = with_queue()
    client.step(frame(2, "basic.consume", queue="q", consumer_tag="c"))
    told = client.step(frame(1, "queue.delete", queue="q"))
    assert told[-1] == (2, "basic.cancel", {"consumer_tag": "c", "no_wait": True})
    client = with_queue()
    client.session.capabilities = frozenset()
    client.step(frame(2, "basic.consume", queue="q", consumer_tag="c"))
    assert len(client.step(frame(1, "queue.delete", queue="q"))) == 1


def test_a_mandatory_message_that_no_queue_wants_comes_back() -> None:
    client = opened()
    returned = {"reply_code": 312, "reply_text": "NO_ROUTE", "exchange": "", "routing_key": "nobody"}
    assert client.step(publish(1, "nobody", b"hi", JSON, mandatory=True), publish(1, "nobody", b"hi")) == [
        (1, "basic.return", returned),
        (2, 1, b"\0\x3c\0\0\0\0\0\0\0\0\0\x02" + JSON.raw),
        (3, 1, b"hi"),
    ]


def test_confirms_come_when_it_is_safe_and_several_at_once() -> None:
    client = with_queue()
    client.broker.unsafe = True
    assert client.step(frame(1, "confirm.select"), *(publish(1, "q") for _ in range(5))) == [
        (1, "confirm.select-ok", {})
    ]
    assert client.step(publish(1, "q")) == []
    client.broker.make_safe()
    assert client.step() == [(1, "basic.ack", {"delivery_tag": 6, "multiple": True})]
    assert client.step(publish(1, "q")) == [(1, "basic.ack", {"delivery_tag": 7, "multiple": False})]


def test_confirms_keep_their_order_whatever_becomes_safe_first() -> None:
    client = with_queue()
    client.broker.unsafe = True
    client.step(frame(1, "confirm.select"))
    client.step(publish(1, "q"))
    client.step(publish(1, "q"))
    first, second = client.broker.waiting
    second.resolve(None)
    assert client.step() == []
    first.resolve(None)
    assert client.step() == [(1, "basic.ack", {"delivery_tag": 2, "multiple": True})]


def test_a_return_comes_before_its_confirm() -> None:
    client = opened()
    told = client.step(frame(1, "confirm.select"), publish(1, "nobody", mandatory=True))
    assert [said[1] for said in told if said[0] == 1 and isinstance(said[1], str)] == [
        "confirm.select-ok", "basic.return", "basic.ack",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("nacked", "told"),
    [
        ((0,), [("basic.nack", 1, False), ("basic.ack", 3, True)]),
        ((1,), [("basic.nack", 2, False), ("basic.ack", 3, True)]),
        ((2,), [("basic.nack", 3, False), ("basic.ack", 2, True)]),
        ((0, 1), [("basic.nack", 1, False), ("basic.nack", 2, False), ("basic.ack", 3, False)]),
        ((0, 1, 2), [("basic.nack", 1, False), ("basic.nack", 2, False), ("basic.nack", 3, False)]),
    ],
)
def test_what_a_queue_s_limit_refused_is_nacked(
    nacked: tuple[int, ...], told: list[tuple[str, int, bool]]
) -> None:
    client = with_queue()
    client.broker.scripted[q.Publish] = [q.Sent(3, (), nacked)]
    said = client.step(frame(1, "confirm.select"), *(publish(1, "q") for _ in range(3)))[1:]
    assert [(name, fields["delivery_tag"], fields["multiple"]) for _, name, fields in said] == told


def test_a_run_that_did_not_become_safe_is_nacked() -> None:
    client = with_queue()
    client.broker.scripted[q.AwaitSafe] = [Refused(Refusal.DISK_FULL)]
    said = client.step(frame(1, "confirm.select"), publish(1, "q"), publish(1, "q"))
    assert said[1:] == [(1, "basic.nack", {"delivery_tag": 2, "multiple": True, "requeue": False})]
    assert client.step(publish(1, "q")) == [(1, "basic.ack", {"delivery_tag": 3, "multiple": False})]


def test_who_publishes_without_confirms_hears_only_of_what_is_lost() -> None:
    client = with_queue()
    client.broker.unsafe = True
    assert client.step(publish(1, "q"), publish(2, "q"), frame(1, "basic.qos")) == [(1, "basic.qos-ok", {})]
    client.step(publish(1, "q"))
    assert len(asked(client, q.AwaitSafe)) == 2  # one a channel at a time
    client.broker.make_safe()
    assert client.step() == []
    assert len(asked(client, q.AwaitSafe)) == 3
    client.broker.unsafe = True
    client.step(publish(1, "q"))
    client.broker.make_safe(Refused(Refusal.DISK_FULL, "no space left"))
    [(_, name, fields)] = client.step()
    assert (name, fields["reply_code"], fields["class_id"], fields["method_id"]) == (
        "connection.close",
        506,
        60,
        40,
    )
    assert fields["reply_text"] == "RESOURCE_ERROR - no space left"


def test_who_publishes_to_a_stream_that_is_deleted_meanwhile_misses_nothing() -> None:
    client = with_queue()
    client.broker.scripted[q.AwaitSafe] = [Refused(Refusal.NO_TOPIC, "s was deleted")]
    assert client.step(publish(1, "q")) == []


def test_a_commit_gives_back_what_no_queue_wanted() -> None:
    client = opened()
    client.step(frame(1, "tx.select"), publish(1, "nobody", b"hi", mandatory=True))
    (sent,) = asked(client, q.Publish)
    client.broker.scripted[q.CommitTransaction] = [q.Committed(sent.messages)]  # type: ignore[attr-defined]
    told = client.step(frame(1, "tx.commit"))
    assert [said[1] for said in told] == ["basic.return", 1, 1, "tx.commit-ok"]


def test_nothing_of_a_closed_channel_is_answered() -> None:
    client = with_queue()
    client.broker.unsafe = True
    client.step(frame(1, "confirm.select"), publish(1, "q"), frame(1, "basic.consume", queue="q"))
    assert client.step(frame(1, "channel.close")) == [(1, "channel.close-ok", {})]
    client.broker.make_safe()
    assert client.step(frame(1, "channel.open")) == [(1, "channel.open-ok", {"reserved_1": b""})]


def test_nothing_is_said_where_the_client_does_not_wait() -> None:
    client = opened()
    assert (
        client.step(
            frame(1, "queue.declare", queue="q", no_wait=True),
            frame(1, "queue.bind", queue="q", exchange="amq.direct", no_wait=True),
            frame(1, "exchange.declare", exchange="e", no_wait=True),
            frame(1, "exchange.bind", source="e", destination="f", no_wait=True),
            frame(1, "exchange.unbind", source="e", destination="f", no_wait=True),
            frame(1, "basic.consume", queue="q", consumer_tag="c", no_wait=True),
            frame(1, "basic.cancel", consumer_tag="c", no_wait=True),
            frame(1, "confirm.select", no_wait=True),
            frame(1, "basic.recover-async", requeue=True),
            frame(1, "queue.purge", queue="q", no_wait=True),
            frame(1, "queue.delete", queue="q", no_wait=True),
            frame(1, "exchange.delete", exchange="e", no_wait=True),
        )
        == []
    )
    assert len(client.broker.asked) == 12  # all but confirm.select is a call, and a lease


def test_an_empty_name_is_the_queue_that_was_declared_last() -> None:
    client = opened()
    ((_, _, declared),) = client.step(frame(1, "queue.declare"))
    client.step(
        frame(1, "queue.bind", exchange="amq.direct"),
        frame(1, "queue.bind", exchange="amq.topic", routing_key="k"),
    )
    binds = asked(client, q.BindQueue)
    assert [(bind.queue, bind.routing_key) for bind in binds] == [  # type: ignore[attr-defined]
        (declared["queue"], declared["queue"]), (declared["queue"], "k"),
    ]  # fmt: skip


def test_a_flood_of_gets_takes_turns() -> None:
    client = with_queue()
    client.step(*(publish(1, "q", bytes(50_000)) for _ in range(20)))
    asked = client.session.receive(frame(1, "basic.get", queue="q") * 20, NOW)
    while asked:
        ((ticket, call),) = asked
        asked = client.session.answer(ticket, client.broker.answer(call))
    assert client.session.stalled
    assert sum(map(len, client.session.take_output())) < 400_000
    client._run(client.session.go_on())
    client.settle()
    assert client.broker.queues["q"] == type(client.broker.queues["q"])()


def test_what_waits_behind_a_slow_answer_counts_as_held() -> None:
    client = with_queue()
    (first,) = client.session.receive(frame(1, "queue.purge", queue="q"), NOW)
    assert (
        client.session.receive(publish(1, "q", bytes(1000)) * 10 + frame(1, "basic.get", queue="q"), NOW)
        == []
    )
    assert 10_000 < client.session.bytes_in_flight < 13_000
    client._run(client.session.answer(first[0], 0))
    assert client.session.bytes_in_flight == 0


def test_publishes_that_repeat_what_stands_before_their_bodies_are_the_same_messages() -> None:
    client = with_queue()
    sent = [b"%04d" % number for number in range(50)] + [b"longer", b"", b"0001"]
    client.step(
        *(publish(1, "q", one, JSON) for one in sent), publish(1, "q", b"0002"), publish(2, "q", b"0003")
    )
    (first, second) = asked(client, q.Publish)
    assert [one.content.body for one in first.messages] == [*sent, b"0002"]  # type: ignore[attr-defined]
    assert {one.content.properties for one in first.messages[:-1]} == {JSON}  # type: ignore[attr-defined]
    assert first.messages[-1].content.properties != JSON  # type: ignore[attr-defined]
    assert [one.content.body for one in second.messages] == [b"0003"]  # type: ignore[attr-defined]


def test_a_repeated_publish_without_its_frame_s_end_is_an_error() -> None:
    client = with_queue()
    whole = publish(1, "q", b"0001", JSON) * 2
    ((_, name, told),) = client.step(whole[:-1] + b"\0")
    assert (name, told["reply_code"]) == ("connection.close", 501)
    assert [one.body for one in client.broker.queues["q"]] == [b"0001"]
