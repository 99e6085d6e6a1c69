"""Each call type's needs. A call type that is missing here cannot be answered.

Operations and kinds of resources are Kafka's ACL words, and so is what each call needs (KafkaApis). Decides nothing.
"""

from penstock import calls
from penstock.broker.access import queue_needs
from penstock.broker.access.needs import (
    CLUSTER_ITSELF,
    GROUP,
    GROUP_NAME,
    TOPIC,
    TOPIC_CALLED,
    TOPIC_FIRST,
    TOPIC_NAME,
    TRANSACTION,
    TRANSACTION_NAME,
    Each,
    Found,
    Need,
    Whole,
    by_id,
    configured,
    content_of,
)
from penstock.calls import Call

ACCESS: dict[type[Call], tuple[Need, ...]] = {
    # Anyone who may speak at all: these are how one logs in, and what every client asks first.
    calls.CheckPassword: (),
    calls.FindScram: (),
    calls.EndLogin: (),
    calls.AskAccess: (),
    calls.DescribeCluster: (),
    # Records.
    calls.Append: (Whole("write", TRANSACTION), Each("write", "parts", TOPIC)),
    calls.Fetch: (Each("read", "parts", content_of),),
    calls.ListOffsets: (Each("describe", "parts", TOPIC),),
    calls.FindEpochs: (Each("describe", "parts", TOPIC),),
    calls.DeleteRecords: (Each("delete", "parts", TOPIC),),
    # Without a transactional id see `may_produce`.
    calls.InitProducer: (Whole("write", TRANSACTION),),
    # Transactions.
    calls.AddPartitions: (Whole("write", TRANSACTION), Each("write", "parts", TOPIC_FIRST)),
    calls.AddGroup: (Whole("write", TRANSACTION), Whole("read", GROUP)),
    calls.CommitOffsetsLater: (Whole("write", TRANSACTION), Whole("read", GROUP), Each("read", "commits", TOPIC)),
    calls.EndTransaction: (Whole("write", TRANSACTION),),
    calls.DescribeTransactions: (Each("describe", "transactional_ids", TRANSACTION_NAME),),
    calls.ListTransactions: (Found("describe", "", TRANSACTION),),
    calls.DescribeProducers: (Each("read", "parts", TOPIC_FIRST),),
    # Topics.
    calls.DescribeTopics: (
        Each("describe", "names", TOPIC_NAME),
        Each("describe", "topic_ids", by_id),
        Found("describe", "names", TOPIC_CALLED),
    ),
    calls.CreateTopics: (Each("create", "topics", TOPIC_CALLED, or_cluster=True),),
    calls.CreatePartitions: (Each("alter", "topics", TOPIC_CALLED),),
    calls.DeleteTopics: (Each("delete", "names", TOPIC_NAME), Each("delete", "topic_ids", by_id)),
    calls.DescribeConfigs: (Each("describe-configs", "resources", configured),),
    calls.AlterConfigs: (Each("alter-configs", "resources", configured),),
    calls.DescribeStorage: (Whole("describe", CLUSTER_ITSELF),),
    # Groups.
    calls.JoinGroup: (Whole("read", GROUP),),
    calls.SyncGroup: (Whole("read", GROUP),),
    calls.Heartbeat: (Whole("read", GROUP),),
    calls.LeaveGroup: (Whole("read", GROUP),),
    calls.CommitOffsets: (Whole("read", GROUP), Each("read", "commits", TOPIC)),
    calls.FetchOffsets: (
        Whole("describe", GROUP), Each("describe", "parts", TOPIC_FIRST), Found("describe", "parts", TOPIC),
    ),
    calls.DeleteOffsets: (Whole("delete", GROUP), Each("read", "parts", TOPIC_FIRST)),
    calls.ListGroups: (Found("describe", "", GROUP, or_cluster=True),),
    calls.DescribeGroups: (Each("describe", "groups", GROUP_NAME),),
    calls.DeleteGroups: (Each("delete", "groups", GROUP_NAME),),
    # Queues.
    **queue_needs.ACCESS,
}  # fmt: skip
