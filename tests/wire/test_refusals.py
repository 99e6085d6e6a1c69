"""The table of error codes, and the table of what is offered and what is not."""

import pytest
from kio.schema.errors import ErrorCode
from kio.schema.index import api_key_map

from penstock import calls as c
from penstock.errors import Refusal, Refused
from penstock.wire.kafka.refusals import CODES, OVERRIDES, TEXT_CHARACTERS_MAX, code, text
from penstock.wire.kafka.registry import OFFERED, api
from penstock.wire.kafka.support import REFUSED, SUPPORTED, markdown


@pytest.mark.parametrize("reason", list(Refusal))
def test_every_refusal_has_a_code_that_is_an_error(reason: Refusal) -> None:
    assert CODES[reason] is not ErrorCode.none
    assert code(c.Append, Refused(reason)) != 0


def test_what_is_not_refused_has_no_error() -> None:
    assert code(c.Append, c.Appended(1)) == code(c.Heartbeat, None) == 0
    assert text(None) is None


def test_a_call_may_have_a_code_of_its_own() -> None:
    assert code(c.Append, Refused(Refusal.NOT_ALLOWED)) == ErrorCode.topic_authorization_failed
    assert code(c.JoinGroup, Refused(Refusal.GROUP_NOT_ALLOWED)) == ErrorCode.group_authorization_failed
    assert code(c.CreateTopics, Refused(Refusal.NOT_ALLOWED)) == ErrorCode.topic_authorization_failed
    assert (
        code(c.InitProducer, Refused(Refusal.CLUSTER_NOT_ALLOWED)) == ErrorCode.cluster_authorization_failed
    )


def test_overrides_differ_from_the_default() -> None:
    assert [pair for pair, error in OVERRIDES.items() if CODES[pair[1]] is error] == []


@pytest.mark.parametrize(
    "call", [c.Append, c.Fetch, c.JoinGroup, c.CommitOffsets, c.CreateTopics, c.InitProducer]
)
def test_a_stopping_server_is_something_that_clients_try_again(call: type[c.Call]) -> None:
    assert ErrorCode(code(call, Refused(Refusal.SHUTTING_DOWN))).retriable


def test_an_error_text_is_never_longer_than_the_wire_takes() -> None:
    assert (
        text(Refused(Refusal.BAD_TOPIC_NAME, "x" * 50_000))
        == (f"{Refusal.BAD_TOPIC_NAME.value}: {'x' * 50_000}"[:TEXT_CHARACTERS_MAX])
    )


def test_every_api_of_kafka_is_offered_or_refused_with_a_reason() -> None:
    assert set(SUPPORTED) | set(REFUSED) == set(api_key_map)
    assert not set(SUPPORTED) & set(REFUSED)
    assert all(reason for _, reason in REFUSED.values())


def test_refused_apis_go_by_their_names() -> None:
    assert {key: name.lower() for key, (name, _) in REFUSED.items()} == {
        key: name.replace("_", "") for key, name in api_key_map.items() if key in REFUSED
    }


def test_the_docs_tell_of_every_api() -> None:
    words = markdown()
    assert "| 0 | Produce | 3 to 11 |" in words
    assert all(f"| {key} |" in words for key in api_key_map)


def test_an_api_is_offered_once() -> None:
    with pytest.raises(RuntimeError, match="offered already"):
        api(key=0, versions=(3, 11))(OFFERED[0].run)


def test_whole_families_only() -> None:
    # C2 of the reference: half a family hangs or crashes clients.
    groups, transactions, kip_848 = {8, 9, 10, 11, 12, 13, 14}, {24, 25, 26, 28}, {68, 69}
    assert groups | transactions <= set(OFFERED)
    assert OFFERED[10].highest >= 1, "librdkafka finds no coordinator for transactions in version 0"
    assert not kip_848 & set(OFFERED)
    # Topic ids in Fetch need topic ids in Metadata.
    assert OFFERED[1].highest < 13 or OFFERED[3].highest >= 10
