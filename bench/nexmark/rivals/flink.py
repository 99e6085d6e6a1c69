"""Flink SQL in one JVM: parallelism 1, object reuse and mini-batches on, checkpoints exactly once.

The JVM stays from run to run, so its code is compiled and hot when it counts; each run has a mini cluster of its own,
whose start the difference of two sizes takes out. CPU is the whole JVM's, compiler and collector included.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from bench.nexmark.rivals import Cost
from bench.nexmark.scripts import SCHEMA, Place, statements
from bench.oracle import flink, protobuf

SETTINGS = {
    "pipeline.object-reuse": "true",
    "table.exec.mini-batch.enabled": "true",
    "table.exec.mini-batch.allow-latency": "2 s",
    "table.exec.mini-batch.size": "50000",
    "table.optimizer.distinct-agg.split.enabled": "true",
    "execution.checkpointing.mode": "EXACTLY_ONCE",
    "taskmanager.memory.managed.size": "1g",
}
"""As nexmark-flink's own configuration, but for parallelism, memory and the interval of checkpoints."""


MESSAGES = {
    topic: f"'protobuf.message-class-name' = 'nexmark.{topic.title()}'"
    for topic in ("person", "auction", "bid")
}


class FlinkSql:
    """One JVM with one way to keep state: `backend` is hashmap or rocksdb, `every` the checkpoints' interval."""

    lasts = True

    def __init__(self, sql: flink.Flink, backend: str, every: str, folder: str, side_input: str) -> None:
        self.name = f"Flink, {backend}, {every}"
        self._sql, self._side_input = sql, side_input
        self._settings = SETTINGS | {
            "execution.checkpointing.interval": every,
            "state.backend.type": backend,
            "execution.checkpointing.dir": f"file://{folder}",
            "execution.checkpointing.incremental": "true" if backend == "rocksdb" else "false",
        }

    def run(self, query: str, place: Place) -> Cost:
        """One bounded job to its end."""
        script = statements(
            query, replace(place, bounded=True, side_input=self._side_input, messages=MESSAGES)
        )
        ran = self._sql.run(script, self._settings)
        return Cost(ran.cpu_ms / 1000, ran.wall_ms / 1000)


@contextmanager
def side_input() -> Iterator[str]:
    """The WITH options of q13's side input for Flink."""
    with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
        file.write("".join(f"{n},{n}\n" for n in range(10_000)))
        file.flush()
        yield f"'connector' = 'file-lookup', 'path' = '{file.name}'"


@contextmanager
def rival(
    backend: str = "hashmap", every: str = "10 s", form: str = "json", heap: str = "4g"
) -> Iterator[FlinkSql]:
    """A JVM for the runs of one query over topics of one format."""
    more = "" if form == "json" else protobuf.class_path(SCHEMA)
    with (
        tempfile.TemporaryDirectory(prefix="flink-") as folder,
        side_input() as side,
        flink.running(heap, more) as sql,
    ):
        yield FlinkSql(sql, backend, every, folder, side)
