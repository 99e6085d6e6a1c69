"""The class of our own: what there is as JSON, in as many frames as it takes; virtual hosts."""

import json

from penstock.calls import queues as q
from penstock.errors import Refusal, Refused
from penstock.wire.amqp.methods import frame
from tests.amqp.driving import opened


def test_what_there_is_comes_as_json_behind_its_method() -> None:
    client = opened()
    one = q.QueueInfo("/", "é", "classic", True, 1, 2, 3, 4, 5, 6, 7, {"x-max-length": 9, "b": b"\xff"})
    client.broker.scripted[q.DescribeQueues] = [q.Page([one])]
    method, header, body = client.step(frame(1, "penstock.describe", what="queues"))
    assert method == (1, "penstock.describe-ok", {}) and header[:2] == (2, 1)
    [told] = json.loads(body[2])
    assert (told["name"], told["messages"], told["unacked"]) == ("é", 1, 2)
    assert told["arguments"] == {"x-max-length": 9, "b": "/w=="}


def test_a_long_list_comes_in_several_frames() -> None:
    client = opened()
    client.broker.scripted[q.DescribeVhosts] = [q.Page([f"host-{number:05}" for number in range(20_000)])]
    _, _, *bodies = client.step(frame(1, "penstock.describe", what="vhosts"))
    assert len(bodies) == 2 and len(json.loads(b"".join(body[2] for body in bodies))) == 20_000


def test_what_there_is_comes_whole_though_it_is_asked_for_by_pages() -> None:
    client = opened()
    first, last = object(), object()
    one, two, three = (q.BindingInfo("/", "", name, "queue", name) for name in ("one", "two", "three"))
    client.broker.scripted[q.DescribeBindings] = [
        q.Page([one, two], first),
        q.Page([], last),
        q.Page([three]),
    ]
    _, _, body = client.step(frame(1, "penstock.describe", what="bindings"))
    assert [each["target"] for each in json.loads(body[2])] == ["one", "two", "three"]
    assert [call.rest for call in client.broker.asked] == [None, first, last]  # type: ignore[attr-defined]


def test_virtual_hosts_are_made_and_deleted() -> None:
    client = opened()
    client.broker.scripted = {q.DeclareVhost: [None], q.DeleteVhost: [None]}
    answers = client.step(
        frame(1, "penstock.declare-vhost", virtual_host="blue"),
        frame(1, "penstock.delete-vhost", virtual_host="blue"),
    )
    assert [name for _, name, _ in answers] == ["penstock.declare-vhost-ok", "penstock.delete-vhost-ok"]
    assert [(type(call), call.name) for call in client.broker.asked] == [  # type: ignore[attr-defined]
        (q.DeclareVhost, "blue"), (q.DeleteVhost, "blue"),
    ]  # fmt: skip


def test_what_nobody_knows_and_what_is_refused_end_the_channel() -> None:
    client = opened(channels=2)
    [(_, name, said)] = client.step(frame(1, "penstock.describe", what="cats"))
    assert (name, said["reply_code"]) == ("channel.close", 406) and "queues, exchanges" in said["reply_text"]
    client.broker.scripted[q.DeleteVhost] = [Refused(Refusal.IN_USE, "the default virtual host stays")]
    [(_, name, said)] = client.step(frame(2, "penstock.delete-vhost", virtual_host="/"))
    assert (name, said["reply_code"]) == ("channel.close", 403)
