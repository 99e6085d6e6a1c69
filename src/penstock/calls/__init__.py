"""Every wish a client can have, and every answer it can get, in no protocol's words.

Gateways turn bytes into calls and results into bytes; the broker answers calls. Each call carries its principal;
permission hangs on the call's type. A call may be answered at once, by a `Later`, or by `Refused`.
Knows nothing of protocols, sockets or disks.
"""

from penstock.calls.call import Bytes, Call, Principal
from penstock.calls.groups import (
    CommitOffsets,
    DeleteGroups,
    DescribeGroups,
    FetchOffsets,
    GroupInfo,
    GroupMember,
    Heartbeat,
    Joined,
    JoinGroup,
    LeaveGroup,
    ListGroups,
    OffsetCommit,
    Synced,
    SyncGroup,
)
from penstock.calls.producers import InitProducer, ProducerIdentity
from penstock.calls.records import (
    EARLIEST,
    LATEST,
    MAX_TIMESTAMP,
    Append,
    Appended,
    AppendPart,
    Fetch,
    Fetched,
    FetchPart,
    FoundOffset,
    ListOffsets,
    OffsetsPart,
)
from penstock.calls.topics import (
    ClusterInfo,
    ConfigEntry,
    CreateTopics,
    DeleteTopics,
    DescribeCluster,
    DescribeConfigs,
    DescribeTopics,
    NewTopic,
    TopicInfo,
)

__all__ = [
    "EARLIEST",
    "LATEST",
    "MAX_TIMESTAMP",
    "Append",
    "AppendPart",
    "Appended",
    "Bytes",
    "Call",
    "ClusterInfo",
    "CommitOffsets",
    "ConfigEntry",
    "CreateTopics",
    "DeleteGroups",
    "DeleteTopics",
    "DescribeCluster",
    "DescribeConfigs",
    "DescribeGroups",
    "DescribeTopics",
    "Fetch",
    "FetchOffsets",
    "FetchPart",
    "Fetched",
    "FoundOffset",
    "GroupInfo",
    "GroupMember",
    "Heartbeat",
    "InitProducer",
    "JoinGroup",
    "Joined",
    "LeaveGroup",
    "ListGroups",
    "ListOffsets",
    "NewTopic",
    "OffsetCommit",
    "OffsetsPart",
    "Principal",
    "ProducerIdentity",
    "SyncGroup",
    "Synced",
    "TopicInfo",
]
