"""How far each partition is decided: the last stable offset, below which no transaction is open.

A transaction holds the offset back from its first record in the partition until its marker is on disk. Only open
transactions are remembered. Knows partitions and producer ids; knows no transactional id.
"""

from penstock.log import Partition


class StableOffsets:
    """Open transactions by partition and producer id, each with its first offset."""

    def __init__(self) -> None:
        self._open: dict[Partition, dict[int, int]] = {}
        self._ending: dict[Partition, list[tuple[int, int]]] = {}

    def begin(self, partition: Partition, producer_id: int, offset: int) -> None:
        """A transactional batch was written; only the first one of a transaction counts."""
        self._open.setdefault(partition, {}).setdefault(producer_id, offset)

    def end(self, partition: Partition, producer_id: int, marker_offset: int) -> None:
        """A marker was written: it counts when it is on disk."""
        found = self._open.get(partition, {})
        first = found.pop(producer_id, None)
        if first is not None:
            self._ending.setdefault(partition, []).append((first, marker_offset))
            if not found:
                del self._open[partition]

    def first(self, partition: Partition, producer_id: int) -> int:
        """Where the producer's open transaction begins, -1 where it has none."""
        return self._open.get(partition, {}).get(producer_id, -1)

    def settled(self, partition: Partition) -> bool:
        """Whether no transaction holds the last stable offset back: it is the high watermark."""
        return partition not in self._open and partition not in self._ending

    def of(self, partition: Partition) -> int:
        """The last stable offset."""
        stable = partition.durable_offset
        found = self._open.get(partition)
        if found:
            stable = min(stable, *found.values())
        ending = self._ending.get(partition)
        if ending:
            ending = [each for each in ending if each[1] >= partition.durable_offset]
            if ending:
                self._ending[partition] = ending
                stable = min(stable, *(first for first, _ in ending))
            else:
                del self._ending[partition]
        return max(stable, partition.start_offset)

    def forget(self, partition: Partition) -> None:
        """The partition is gone."""
        self._open.pop(partition, None)
        self._ending.pop(partition, None)
