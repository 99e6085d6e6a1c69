"""What of the Kafka protocol is offered, derived from the registry, and what is refused, with the reason. Printed by
the docs.

Knows API keys and names; knows nothing of how an API works.
"""

from typing import Final

from penstock.wire.kafka import api as _apis  # noqa: F401  # importing the folder fills the table
from penstock.wire.kafka.fetch_sessions import FetchSessionOptions
from penstock.wire.kafka.registry import OFFERED

ACCESS: Final = "users and rules are kept in a file that `penstock user` writes, not changed over Kafka"
TOKENS: Final = "delegation tokens are not offered; users log in by PLAIN, SCRAM or a certificate"
ONE_NODE: Final = "one node: there are no replicas to move and no leaders to elect"
INSIDE: Final = "spoken between Kafka's own nodes, never by clients"
CONSUMER_KIP_848: Final = "the new group protocol (KIP-848) is not offered yet; clients use the classic one"
SHARE: Final = "share groups (KIP-932) are not offered yet"
STREAMS: Final = "the streams group protocol (KIP-1071) is not offered; Kafka Streams uses the classic one"
TELEMETRY: Final = "client metrics (KIP-714) are not collected; clients stay silent where it is missing"
LATER: Final = "not offered yet"

SUPPORTED: Final = {key: (a.name, a.lowest, a.highest) for key, a in sorted(OFFERED.items())}

_SESSIONS: Final = FetchSessionOptions()
NOTES: Final = {
    0: "record batches of format 2, one for each partition; in topics with penstock.delay.enable=true a record's header deliver-at delays it",
    1: f"sessions (KIP-227): {_SESSIONS.sessions_max} at a time, of {_SESSIONS.partitions_max} partitions at most; "
    "no preferred replica",
    2: "nothing is tiered: the local start is the start, the tiered end is none",
    9: "beside UNSTABLE_OFFSET_COMMIT stands -1000, at which librdkafka asks again",
    23: "one node leads for ever: the epoch is 0",
    36: "PLAIN, SCRAM-SHA-256, SCRAM-SHA-512; no re-authentication (KIP-368)",
}
"""What one may want to know of an API that is offered."""

REFUSED: Final = {
    27: ("WriteTxnMarkers", INSIDE),
    29: ("DescribeAcls", ACCESS),
    30: ("CreateAcls", ACCESS),
    31: ("DeleteAcls", ACCESS),
    34: ("AlterReplicaLogDirs", ONE_NODE),
    38: ("CreateDelegationToken", TOKENS),
    39: ("RenewDelegationToken", TOKENS),
    40: ("ExpireDelegationToken", TOKENS),
    41: ("DescribeDelegationToken", TOKENS),
    45: ("AlterPartitionReassignments", ONE_NODE),
    46: ("ListPartitionReassignments", ONE_NODE),
    48: ("DescribeClientQuotas", "quotas are not offered yet"),
    49: ("AlterClientQuotas", "quotas are not offered yet"),
    50: ("DescribeUserScramCredentials", ACCESS),
    51: ("AlterUserScramCredentials", ACCESS),
    52: ("Vote", INSIDE),
    53: ("BeginQuorumEpoch", INSIDE),
    54: ("EndQuorumEpoch", INSIDE),
    55: ("DescribeQuorum", ONE_NODE),
    56: ("AlterPartition", INSIDE),
    57: ("UpdateFeatures", "there are no feature levels to change"),
    58: ("Envelope", INSIDE),
    59: ("FetchSnapshot", INSIDE),
    62: ("BrokerRegistration", INSIDE),
    63: ("BrokerHeartbeat", INSIDE),
    64: ("UnregisterBroker", ONE_NODE),
    67: ("AllocateProducerIds", INSIDE),
    68: ("ConsumerGroupHeartbeat", CONSUMER_KIP_848),
    69: ("ConsumerGroupDescribe", CONSUMER_KIP_848),
    70: ("ControllerRegistration", INSIDE),
    71: ("GetTelemetrySubscriptions", TELEMETRY),
    72: ("PushTelemetry", TELEMETRY),
    73: ("AssignReplicasToDirs", INSIDE),
    74: ("ListConfigResources", TELEMETRY),
    75: ("DescribeTopicPartitions", "clients use Metadata where it is missing"),
    76: ("ShareGroupHeartbeat", SHARE),
    77: ("ShareGroupDescribe", SHARE),
    78: ("ShareFetch", SHARE),
    79: ("ShareAcknowledge", SHARE),
    80: ("AddRaftVoter", ONE_NODE),
    81: ("RemoveRaftVoter", ONE_NODE),
    82: ("UpdateRaftVoter", INSIDE),
    83: ("InitializeShareGroupState", INSIDE),
    84: ("ReadShareGroupState", INSIDE),
    85: ("WriteShareGroupState", INSIDE),
    86: ("DeleteShareGroupState", INSIDE),
    87: ("ReadShareGroupStateSummary", INSIDE),
    88: ("StreamsGroupHeartbeat", STREAMS),
    89: ("StreamsGroupDescribe", STREAMS),
    90: ("DescribeShareGroupOffsets", SHARE),
    91: ("AlterShareGroupOffsets", SHARE),
    92: ("DeleteShareGroupOffsets", SHARE),
}


def markdown() -> str:
    """Both tables, for the docs."""
    lines = ["| key | API | versions | |", "|---|---|---|---|"]
    lines += [
        f"| {key} | {name} | {lowest} to {highest} | {NOTES.get(key, '')} |"
        for key, (name, lowest, highest) in SUPPORTED.items()
    ]
    lines += ["", "| key | API | not offered because |", "|---|---|---|"]
    lines += [f"| {key} | {name} | {reason} |" for key, (name, reason) in REFUSED.items()]
    return "\n".join(lines) + "\n"
