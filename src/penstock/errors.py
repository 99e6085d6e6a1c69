"""How penstock says no.

An *expected* no is a value, `Refused`: a call was understood and is declined, for a reason from one closed list.
Each gateway translates the reason to its own protocol with a table. A `PenstockError` is raised for the user
in front of the terminal: it names the place and the remedy.
"""

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar


class Refusal(Enum):
    """Why a call was declined. Gateways map each to a protocol's error code; the text is for people."""

    NO_TOPIC = "the topic or partition does not exist"
    OTHER_TOPIC = "the topic of this name is another one than the client means"
    TOPIC_EXISTS = "a topic with this name exists already"
    BAD_TOPIC_NAME = "a topic name has 1 to 249 characters out of a-z A-Z 0-9 . _ -"
    BAD_PARTITION_COUNT = "the number of partitions is out of range"
    BAD_REPLICATION = "penstock is one node: the replication factor is 1 (or -1 for the default)"
    BAD_CONFIG = "the configuration is not valid"
    READ_ONLY = "the setting cannot be changed while the server runs"
    POLICY = "the topic's policy does not allow it"
    BAD_ASSIGNMENT = "penstock is one node: every new partition is assigned to it"
    NOT_NEEDED = "the leader is the preferred one already"
    STALE_EPOCH = "the client's leader epoch is not the current one"
    UNKNOWN_EPOCH = "the client's leader epoch is newer than any"
    SUBSCRIBED = "a member of the group is subscribed to the topic"
    BAD_REQUEST = "the request contradicts itself"
    TOO_LARGE = "the record batch is larger than the topic's max.message.bytes"
    OVER_SEGMENT = "the record batch is larger than the topic's segment.bytes"
    BAD_RECORD = "the record does not fit its topic"
    CORRUPT = "the record batch fails its checksum or is cut short"
    BAD_TIMESTAMP = "the timestamp is out of the topic's range"
    BAD_ACKS = "acks must be 0, 1 or -1 (all)"
    OFFSET_OUT_OF_RANGE = "the offset lies outside of what the partition holds"
    UNSUPPORTED_BATCH = "only record batches of format version 2 are stored"
    UNSUPPORTED_COMPRESSION = "the compression codec is not known"
    UNSUPPORTED_VERSION = "this version of the request is not offered"
    UNSUPPORTED = "penstock does not offer this yet"
    NOT_ALLOWED = "the principal may not do this"
    GROUP_NOT_ALLOWED = "the principal may not do this to the group"
    CLUSTER_NOT_ALLOWED = "the principal may not do this to the cluster"
    TRANSACTIONAL_ID_NOT_ALLOWED = "the principal may not do this to the transactional id"
    LOGIN_FAILED = "the user or the password is wrong"
    BUSY = "too much of this is under way already: try again soon"
    BAD_GROUP = "the group id is empty or not valid"
    UNKNOWN_MEMBER = "the member is not part of the group"
    MEMBER_ID_REQUIRED = "join again with the member id that was handed out"
    FENCED_MEMBER = "another member holds this group instance id"
    STALE_GENERATION = "the generation is not the group's current one"
    REBALANCING = "the group is rebalancing: join again"
    PROTOCOL_MISMATCH = "the member shares no assignment protocol with the group"
    BAD_SESSION_TIMEOUT = "the session timeout is out of the allowed range"
    GROUP_NOT_EMPTY = "the group still has members"
    NO_GROUP = "the group does not exist"
    GROUP_TOO_LARGE = "what the group's members say and are assigned is larger than is kept"
    GROUP_FULL = "the group has reached its largest size"
    METADATA_TOO_LARGE = "the commit's metadata is too large"
    OUT_OF_ORDER_SEQUENCE = "the producer's sequence number does not follow the last one"
    DUPLICATE_SEQUENCE = "the producer's batch was written before"
    STALE_PRODUCER_EPOCH = "a newer producer took over this producer id"
    UNKNOWN_PRODUCER = "the producer id is not known"
    PRODUCER_FENCED = "a newer producer with this transactional id took over"
    NO_SUCH_PRODUCER = "the producer id is not the transactional id's current one"
    CONCURRENT_TRANSACTIONS = "the last step of the transactional id is not finished: try again"
    BAD_TRANSACTION_STATE = "the transaction is not in a state that allows this"
    NOT_IN_TRANSACTION = "the partition was not added to the transaction"
    BAD_TRANSACTION_TIMEOUT = "the transaction timeout is out of the allowed range"
    NO_TRANSACTIONAL_ID = "the transactional id is not known"
    TOO_MANY_TRANSACTIONAL_IDS = "transactional_ids_max is reached"
    NO_VHOST = "the virtual host does not exist"
    NO_EXCHANGE = "the exchange does not exist"
    NO_QUEUE = "the queue does not exist"
    NO_EXCHANGE_KIND = "there is no such kind of exchange"
    PRECONDITION = "what is there is not as the request says"
    LOCKED = "the queue belongs to another connection alone"
    IN_USE = "the name is reserved, or another consumer has the queue for itself"
    CONSUMER_TAG_TAKEN = "the channel has a consumer of this tag"
    TOO_MANY_CONSUMERS = "the channel has as many consumers as it may"
    VHOST_NOT_ALLOWED = "the principal may not do this to the virtual host"
    EXCHANGE_NOT_ALLOWED = "the principal may not do this to the exchange"
    QUEUE_NOT_ALLOWED = "the principal may not do this to the queue"
    NOT_ATTEMPTED = "nothing was done, because another part of the request was refused"
    TIMED_OUT = "the time allowed for the request ran out"
    DISK_FULL = "the disk refuses writes: free space in the data directory"
    DISK_FAILED = "the disk failed to make data safe: the server stops"
    SHUTTING_DOWN = "the server is stopping"


@dataclass(frozen=True, slots=True)
class Refused:
    """A declined call: the reason, and where exactly, in words that name the remedy."""

    reason: Refusal
    detail: str = ""

    @property
    def message(self) -> str:
        """The sentence a protocol that carries error texts shows."""
        return f"{self.reason.value}: {self.detail}" if self.detail else self.reason.value


class PenstockError(Exception):
    """Something the user can mend: `place` says where, `remedy` says how.

    `line` and `column` count from 1 and point into the file that `place` names; 0 means the whole file.
    """

    passing: ClassVar[bool] = False
    """Whether trying again may help by itself: a server said no, or was away."""

    def __init__(
        self, message: str, *, remedy: str = "", place: str = "", line: int = 0, column: int = 0
    ) -> None:
        super().__init__(message)
        self.message, self.remedy, self.place = message, remedy, place
        self.line, self.column = line, column

    def __str__(self) -> str:
        place = (
            f"{self.place}:{self.line}:{self.column}: "
            if self.line
            else f"{self.place}: "
            if self.place
            else ""
        )
        return f"{place}{self.message}" + (f"\n  {self.remedy}" if self.remedy else "")
