"""What a Kafka server's "no" looks like to a Python caller: one exception, with Kafka's name for it and a remedy.

Knows Kafka's error codes; knows nothing of sockets or of the requests that were refused.
"""

from kio.schema.errors import ErrorCode

from penstock.errors import PenstockError

REMEDIES = {
    "UNKNOWN_TOPIC_OR_PARTITION": "create the topic first, or check its name",
    "TOPIC_ALREADY_EXISTS": "use the topic that is there, or delete it first",
    "INVALID_TOPIC_EXCEPTION": "a topic name has 1 to 249 characters out of a-z A-Z 0-9 . _ -",
    "OFFSET_OUT_OF_RANGE": "the records were deleted by retention: start from the earliest offset",
    "MESSAGE_TOO_LARGE": "send smaller batches, or raise the topic's max.message.bytes",
    "RECORD_LIST_TOO_LARGE": "send smaller batches, or raise the topic's segment.bytes",
    "CORRUPT_MESSAGE": "the batch was damaged on its way: send it again",
    "UNSUPPORTED_VERSION": "the server is older than what this needs: use Kafka 2.1 or newer",
    "NETWORK_EXCEPTION": "check that the server runs, that the address is right, and whether it wants TLS or a login",
    "SSL_HANDSHAKE_FAILED": "give the authority that signed the server's certificate (--tls-ca), and the name it is made out to",
    "SASL_AUTHENTICATION_FAILED": "check the user's name and password",
    "UNSUPPORTED_SASL_MECHANISM": "choose another --sasl-mechanism",
    "ILLEGAL_SASL_STATE": "the server takes no logins here: leave --sasl-user out",
    "TRANSACTIONAL_ID_AUTHORIZATION_FAILED": "ask for access to the transactional id",
    "BROKER_NOT_AVAILABLE": "check that the server runs and that the address is right",
    "REQUEST_TIMED_OUT": "the server is busy or stuck: look at its log",
    "TOPIC_AUTHORIZATION_FAILED": "ask for access to the topic",
    "GROUP_AUTHORIZATION_FAILED": "ask for access to the group",
    "CLUSTER_AUTHORIZATION_FAILED": "ask for access to the cluster",
    "UNKNOWN_MEMBER_ID": "the group has members of its own: stop them before committing for it",
    "NON_EMPTY_GROUP": "stop the group's members first",
    "GROUP_ID_NOT_FOUND": "check the group's name",
    "INVALID_CONFIG": "check the names and values of the topic's settings",
    "INVALID_PARTITIONS": "a topic has at least one partition",
    "INVALID_REPLICATION_FACTOR": "ask for no more replicas than there are servers",
    "PRODUCER_FENCED": "another producer took over this transactional id: let one of the two do the work",
    "INVALID_TXN_STATE": "the transaction was not open any more: begin anew",
    "INVALID_PRODUCER_ID_MAPPING": "the server has forgotten this transactional id: begin anew",
    "INVALID_TRANSACTION_TIMEOUT": "ask for a shorter time, or raise the server's transaction.max.timeout.ms",
    "CONCURRENT_TRANSACTIONS": "the transaction before this one takes long to end: look at the server's log",
    "TRANSACTION_ABORTABLE": "the transaction was given up: begin anew",
    "COORDINATOR_NOT_AVAILABLE": "the server that keeps this is starting, or away: look at its log",
    "COORDINATOR_LOAD_IN_PROGRESS": "the server reads its state: wait",
    "NOT_COORDINATOR": "the server that keeps this is changing: wait",
    "INVALID_PRODUCER_EPOCH": "another producer took over this producer id: start anew",
    "OUT_OF_ORDER_SEQUENCE_NUMBER": "the server lost track of this producer: send again with a new producer id",
    "UNKNOWN_PRODUCER_ID": "the server lost track of this producer: send again with a new producer id",
}

# After these the cached leaders are doubtful: ask for metadata before the next attempt.
STALE_METADATA = frozenset(
    {
        "UNKNOWN_TOPIC_OR_PARTITION",
        "LEADER_NOT_AVAILABLE",
        "NOT_LEADER_OR_FOLLOWER",
        "REPLICA_NOT_AVAILABLE",
        "FENCED_LEADER_EPOCH",
        "UNKNOWN_LEADER_EPOCH",
        "KAFKA_STORAGE_ERROR",
        "NETWORK_EXCEPTION",
    }
)


class KafkaError(PenstockError):
    """A request that failed. `name` is Kafka's (``NOT_LEADER_OR_FOLLOWER``), `code` its number.

    `retriable` says that the same request may succeed later; the client has then tried until its deadline.
    """

    passing = True

    def __init__(self, name: str, message: str, *, code: int = -1, retriable: bool = False) -> None:
        super().__init__(f"{message} ({name})", remedy=REMEDIES.get(name, ""))
        self.name, self.code, self.retriable = name, code, retriable

    @property
    def stale_metadata(self) -> bool:
        """Whether the cached metadata should be asked for again."""
        return self.name in STALE_METADATA


class ConnectionLostError(KafkaError):
    """The connection broke or could not be made; what was under way may or may not have happened."""

    def __init__(self, message: str, *, name: str = "NETWORK_EXCEPTION") -> None:
        super().__init__(name, message, code=13, retriable=True)


class FencedError(KafkaError):
    """This producer's epoch is over: another one opened its transactional id, or a transaction lasted too long."""

    def __init__(self, transactional_id: str, error: KafkaError) -> None:
        why = "another producer opened the transactional id, or the server ended a transaction that took too long"
        super().__init__("PRODUCER_FENCED", f"{transactional_id} is fenced: {why}", code=error.code)


def failure(code: int, what: str, detail: str | None = None) -> KafkaError:
    """The exception for an error code of the protocol; `what` is the sentence's beginning: ``append to t-0``."""
    try:
        known = ErrorCode(code)
    except ValueError:
        return KafkaError(f"ERROR_{code}", f"{what} failed", code=code)
    sentence = detail or (known.__doc__ or "").strip() or known.name.replace("_", " ")
    return KafkaError(known.name.upper(), f"{what}: {sentence}", code=code, retriable=known.retriable)
