"""What a worker process takes. Knows nothing of how it is used."""

from dataclasses import dataclass

from penstock.errors import PenstockError

EXACTLY_ONCE, AT_LEAST_ONCE = GUARANTEES = ("exactly-once", "at-least-once")


@dataclass(frozen=True)
class WorkOptions:
    """One worker: where its files are, where Kafka is, how often it commits."""

    bootstrap: str = "127.0.0.1:9092"
    """The Kafka servers, as host:port, several with commas."""
    name: str = "w0"
    """What this worker is called in the console and in `_penstock.workers`."""
    paths: tuple[str, ...] = ("pipelines",)
    """Files of pipelines and tasks (*.sql, *.py), or directories of them."""
    share: str = "0/1"
    """Which part of the pipelines this worker runs: 0/2 and 1/2 split them between two workers."""
    reload: bool = True
    """Pick up new, saved and deleted pipeline files while running."""
    finish: bool = False
    """End once every pipeline has read its input to the end, or one cannot run before its author mends it."""
    poll_s: float = 0.5
    """How often files are looked at for changes, in seconds."""
    amqp: str = ""
    """Where the tasks' queues are: HOST:PORT or amqp://user:password@host:port/vhost; else PENSTOCK_AMQP says, else
    127.0.0.1:5672."""
    guarantee: str = EXACTLY_ONCE
    """exactly-once: outputs, state and offsets are one transaction, seen by readers of committed records after it;
    at-least-once: outputs are written at once, and some of them again after a crash."""
    commit_first_s: float = 0.01
    """How soon after the commit before a quiet job commits, in seconds."""
    commit_s: float = 1.0
    """How long a busy job works between two commits, in seconds, at most."""
    snapshot_idle_s: float = 1.0
    """A job that had nothing to do for so long keeps its whole state, so that a restart is fast, in seconds."""
    idle_timeout_s: float = 0.0
    """An input partition silent for so long no longer holds the watermark back, in seconds; 0: it always does."""
    drain_s: float = 2.5
    """How long stopping may take to commit what is under way, in seconds."""
    tasks_drain_s: float = 30.0
    """How long tasks that run may take to end when their file stops or is saved, in seconds; what does not comes again."""
    state_bytes_max: int = 1024 * 1024 * 1024
    """The largest state of one job, in bytes; the job fails above it."""
    restart_first_s: float = 1.0
    """The wait before a failed job is started again, in seconds; it doubles from there."""
    restart_max_s: float = 30.0
    """The longest wait before a failed job is started again, in seconds."""

    def __post_init__(self) -> None:
        """Refuse a share that is none, and a guarantee that is none."""
        if self.guarantee not in GUARANTEES:
            raise PenstockError(
                f"'{self.guarantee}' is no guarantee", remedy=f"one of {', '.join(GUARANTEES)}"
            )
        mine, _, workers = self.share.partition("/")
        if not (mine.isdigit() and workers.isdigit() and int(mine) < int(workers)):
            raise PenstockError(
                f"'{self.share}' is no share of the work", remedy="write 0/1, or 0/2 and 1/2 for two"
            )

    def takes(self, number: int) -> bool:
        """Whether the pipeline with this number (a hash of its name) is this worker's."""
        mine, _, workers = self.share.partition("/")
        return number % int(workers) == int(mine)
