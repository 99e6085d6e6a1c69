"""Where reading a topic begins and where it ends: a table's startup and bounded modes as offsets by partition.

    'scan.startup.mode' = 'earliest-offset' | 'latest-offset' | 'group-offsets' | 'timestamp' | 'specific-offsets'
    'scan.bounded.mode' = 'unbounded' | 'latest-offset' | 'group-offsets' | 'timestamp' | 'specific-offsets'

with ``scan.….timestamp-millis`` and ``scan.….specific-offsets`` (``partition:0,offset:42;partition:1,offset:300``).
Source: Flink documentation, "Apache Kafka SQL Connector". Knows offsets; reads no record.
"""

import re
from collections.abc import Mapping

from penstock.calls import EARLIEST
from penstock.client import Client
from penstock.engine.plan import Table
from penstock.errors import PenstockError
from penstock.work.connectors.tables import topic_of

STARTUP, BOUNDED = "scan.startup", "scan.bounded"
Offsets = dict[int, int]


class Places:
    """One table's modes. `ends` are always the committed ends of its partitions as they are now."""

    def __init__(self, table: Table, client: Client, mode: str = "") -> None:
        """`mode` is how the table starts whatever its options say."""
        self.table, self.topic = table, topic_of(table)
        self.group = table.options.get("properties.group.id", "")
        self._client = client
        self._mode = mode or table.options.get("scan.startup.mode", "")

    @property
    def bounded(self) -> bool:
        """Whether reading ends somewhere."""
        return self.table.options.get("scan.bounded.mode", "unbounded") != "unbounded"

    async def starts(self, ends: Mapping[int, int]) -> Offsets:
        """Where each partition begins."""
        mode = self._mode or ("group-offsets" if self.group else "earliest-offset")
        if mode == "latest-offset":
            return dict(ends)
        if mode == "timestamp":
            return await self._since(STARTUP, ends)
        earliest = await self._client.offsets(self.topic, EARLIEST)
        if mode == "specific-offsets":
            rest = await self._of_group(earliest, ends) if self.group else earliest
            return {**rest, **{p: o for p, o in self._specific(STARTUP).items() if p in ends}}
        if mode == "group-offsets":
            self._need_group("scan.startup.mode")
            return await self._of_group(earliest, ends)
        return earliest

    async def bounds(self, ends: Mapping[int, int]) -> Offsets:
        """Before which offset each partition ends, by what is there now."""
        mode = self.table.options["scan.bounded.mode"]
        if mode == "latest-offset":
            return dict(ends)
        if mode == "timestamp":
            return await self._since(BOUNDED, ends)
        if mode == "group-offsets":
            self._need_group("scan.bounded.mode")
            found = {p: o for (_, p), o in (await self._committed(ends)).items()}
        else:
            found = self._specific(BOUNDED)
        missing = sorted(ends.keys() - found.keys())
        if missing:
            raise PenstockError(
                f"table {self.table.name}: '{mode}' gives partition {missing[0]} of {self.topic} no end",
                remedy="commit an offset for it, name one in 'scan.bounded.specific-offsets', or use 'latest-offset'",
            )
        return {p: found[p] for p in ends}

    async def _since(self, which: str, ends: Mapping[int, int]) -> Offsets:
        """The first record at or after a time; the end where there is none."""
        text = self.table.options.get(f"{which}.timestamp-millis", "")
        if not text.isdigit():
            raise PenstockError(
                f"table {self.table.name}: '{which}.mode' = 'timestamp' needs a time",
                remedy=f"add '{which}.timestamp-millis' = '1767225600000'",
            )
        found = await self._client.offsets(self.topic, int(text))
        return {p: found[p] if found.get(p, -1) >= 0 else end for p, end in ends.items()}

    async def _of_group(self, earliest: Mapping[int, int], ends: Mapping[int, int]) -> Offsets:
        reset = self.table.options.get("properties.auto.offset.reset", "earliest")
        rest = ends if reset == "latest" else earliest
        found = await self._committed(ends)
        return {p: max(found.get((self.topic, p), rest[p]), earliest[p]) for p in ends}

    async def _committed(self, ends: Mapping[int, int]) -> Mapping[tuple[str, int], int]:
        return await self._client.committed(self.group, [(self.topic, p) for p in ends])

    def _need_group(self, option: str) -> None:
        if not self.group:
            raise PenstockError(
                f"table {self.table.name}: '{option}' = 'group-offsets' needs a group",
                remedy=f"add 'properties.group.id' = '…', or '{option}' = '…' without a group",
            )

    def _specific(self, which: str) -> Offsets:
        text = self.table.options.get(f"{which}.specific-offsets", "")
        made: Offsets = {}
        for part in filter(None, text.split(";")):
            match = re.fullmatch(r"\s*partition:(\d+),\s*offset:(\d+)\s*", part)
            if match is None or int(match[1]) in made:
                made.clear()
                break
            made[int(match[1])] = int(match[2])
        if not made:
            raise PenstockError(
                f"table {self.table.name}: '{which}.mode' = 'specific-offsets' needs an offset for each partition",
                remedy=f"add '{which}.specific-offsets' = 'partition:0,offset:42;partition:1,offset:300'",
            )
        return made
