"""What an exchange with Kafka covers is told by its bytes and its answer alone."""

from tests.differential import coverage


def test_facts_are_of_the_answer() -> None:
    answer = {"topics": [{"partitions": [{"error_code": 3}, {"error_code": 0}]}]}
    assert coverage.facts(8, {}, answer) == {"OffsetCommit: UNKNOWN_TOPIC_OR_PARTITION", "OffsetCommit: NONE"}
    assert coverage.facts(16, {}, {"groups": []}) == {"ListGroups: NONE"}
    assert coverage.facts(3, {}, None) == {"Metadata: the connection is closed"}
    assert coverage.raw(b"\xff\xff\xff\xfb", None) == "a frame of negative bytes: the connection is closed"
