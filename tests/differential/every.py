"""All scenarios, by family, and the answers of ours that are meant to differ from Kafka's."""

from collections.abc import Callable
from typing import Any, Final

from tests.beside.comparison import Difference
from tests.beside.running import Scenario
from tests.differential.around import AROUND
from tests.differential.committing import COMMITTING
from tests.differential.fetch_sessions import FETCH_SESSIONS
from tests.differential.fetching import FETCHING
from tests.differential.groups import GROUPS
from tests.differential.limits import LIMITS
from tests.differential.producing import PRODUCING
from tests.differential.scenarios import SCENARIOS
from tests.differential.topics import TOPICS
from tests.differential.transactions import TRANSACTIONS

FAMILIES: Final[dict[str, tuple[Scenario, ...]]] = {
    "the spine": SCENARIOS,
    "producing": PRODUCING,
    "fetching, offsets by time": FETCHING,
    "fetch sessions, leader epochs": FETCH_SESSIONS,
    "limits, and what is not understood": LIMITS,
    "groups": GROUPS,
    "committed offsets": COMMITTING,
    "looking around": AROUND,
    "transactions": TRANSACTIONS,
    "topics, settings, compaction": TOPICS,
}


def at(index: int, change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """An answer that differs at one place of the list that it is."""
    return lambda answer: [change(one) if number == index else one for number, one in enumerate(answer)]


def undecided(answer: Any) -> Any:
    """UNSTABLE_OFFSET_COMMIT with what makes librdkafka ask again, wherever Kafka gives it with -1."""
    if answer == [-1, 88]:
        return [-1000, 88]
    return [undecided(one) for one in answer] if isinstance(answer, list) else answer


UNKNOWN_CODEC: Final = [76, -1]
"""UNSUPPORTED_COMPRESSION_TYPE, and no offset."""

DIFFERENCES: Final[dict[str, Difference]] = {
    "a_codec_that_the_version_does_not_know_is_refused": Difference(
        "a codec that nobody knows is refused by its name; Kafka says UNKNOWN_SERVER_ERROR",
        lambda answer: [*answer[:2], UNKNOWN_CODEC, UNKNOWN_CODEC, *answer[4:]],
        unmet=frozenset({"Produce: UNKNOWN_SERVER_ERROR"}),
    ),
    "a_record_without_a_key_is_refused_where_keys_count": Difference(
        "the batch is refused at its first record without a key; which other ones have none is not listed",
        at(1, lambda records: []),
    ),
    "a_producer_nobody_knows_begins_anywhere": Difference(
        "a producer id without an epoch is refused: no client sends one, and Kafka's brokers take it unchecked",
        at(7, lambda part: [87, -1]),
    ),
    "a_name_that_was_given_is_given_back": Difference(
        "a name that was handed out and never joined is given back without a rebalance of those who did join",
        at(3, lambda error: 0),
        unmet=frozenset(
            {"Heartbeat: REBALANCE_IN_PROGRESS", "group: Stable → PreparingRebalance by LeaveGroup"}
        ),
        met=frozenset({"Heartbeat: NONE"}),
    ),
    "offsets_hold_once_their_transaction_commits": Difference(
        "beside UNSTABLE_OFFSET_COMMIT the offset is -1000, not -1: librdkafka takes that for 'nothing committed' when its "
        "group rebalances meanwhile, and begins where auto.offset.reset says; so it asks again",
        undecided,
    ),
    "nobody_logs_in_where_nobody_has_to": Difference(
        "an open broker lets those log in who want to (it may be closed while they are connected); a wrong order hangs up",
        lambda answer: [{"error_code": 0, "mechanisms": ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]}, None],
        unmet=frozenset({"SaslAuthenticate: ILLEGAL_SASL_STATE", "SaslHandshake: ILLEGAL_SASL_STATE"}),
        met=frozenset({"SaslAuthenticate: the connection is closed", "SaslHandshake: NONE"}),
    ),
    "a_topic_comes_into_being_when_it_is_asked_for": Difference(
        "a topic that is made by asking for it is there at once; Kafka's is unknown to the one who asked first",
        unmet=frozenset({"Metadata: UNKNOWN_TOPIC_OR_PARTITION"}),
    ),
    "a_topic_is_made_once_and_with_valid_settings": Difference(
        "a topic has one setting more, penstock.delay.enable",
        at(0, lambda made: {**made, "configs": sorted([*made["configs"], "penstock.delay.enable"])}),
    ),
    "every_form_of_metadata_tells_of_a_topic": Difference(
        "what the client may do with a topic is not told (KIP-430): rules are kept in a file, `penstock user` shows them",
        at(3, lambda topics: [{**one, "topic_authorized_operations": -(1 << 31)} for one in topics]),
        unmet=frozenset({"Metadata: what the client may do"}),
    ),
}
