"""What holds for every API in every offered version."""

import uuid

import pytest

from penstock import calls as c
from penstock.broker.access.needs import Each
from penstock.broker.access.table import ACCESS
from penstock.errors import Refusal, Refused
from penstock.record import Record, encode
from penstock.wire.kafka import support
from penstock.wire.kafka.registry import OFFERED
from tests.wire.driving import ask, feed, new_session, request
from tests.wire.fake_broker import FakeBroker

LOGIN = (17, 36)
"""What ends a connection that does not log in: see test_sasl."""
IN_PARTS = {call for call, needs in ACCESS.items() if any(isinstance(need, Each) for need in needs)}
BATCH = encode([Record(b"k", b"v", 1)])


@pytest.mark.parametrize(
    ("key", "version"),
    [(k, v) for k, a in OFFERED.items() if k not in LOGIN for v in range(a.lowest, a.highest + 1)],
)
def test_an_empty_request_is_answered(broker: FakeBroker, key: int, version: int) -> None:
    if key == 18 and version >= 3:
        assert ask(broker, key, version).error_code == 42
    else:
        assert ask(broker, key, version, acks=1, protocols=[{"name": "range"}]) is not None


@pytest.mark.parametrize(
    ("key", "version"), [(k, v) for k, a in OFFERED.items() if k not in LOGIN for v in (a.lowest, a.highest)]
)
def test_any_refusal_of_any_call_is_answered(key: int, version: int) -> None:
    parts = [{"index": 0, "partition": 0, "partition_index": 0, "timestamp": -1, "records": BATCH}]
    both = {"partitions": parts, "partition_data": parts, "partition_indexes": [0], "topic": "t", "name": "t"}
    topics = [{**both, "topic_id": uuid.uuid4().bytes}]
    if (key, version) == (20, 6):
        topics = [{"name": "t"}]
    named = {
        "topics": topics,
        "topic_data": topics,
        "topic_names": ["t"],
        "groups": ["g"],
        "groups_names": ["g"],
        "transactional_ids": ["t"],
    }
    if key == 9:
        named["groups"] = [{"group_id": "g", "topics": topics}]
    if key == 35:
        named["topics"] = [{"topic": "t", "partitions": [0]}]
    named["transactional_ids"] = ["x"]
    data = request(key, version, acks=1, protocols=[{"name": "r"}], **named)
    for reason in Refusal:
        for refusal in (Refused(reason, "somewhere"), [Refused(reason, "this part")]):
            broker, session = FakeBroker(t=1), new_session()
            broker.refusing = {
                call: refusal
                for call in c.Call.__subclasses__()
                if isinstance(refusal, Refused) or call in IN_PARTS
            }
            assert feed(session, broker, data)
            assert not session.closing


def test_notes_of_the_support_table_are_of_apis_that_are_offered() -> None:
    assert support.NOTES.keys() <= support.SUPPORTED.keys()
    table = support.markdown().split("\n\n")[0].splitlines()
    assert len(table) == 2 + len(support.SUPPORTED) and all(line.count("|") == 5 for line in table)
