"""Who listens to a scenario: gathers what each exchange covers, and the states that groups and transactions go through.

States are asked for on a connection of its own after every request that names a group or a transactional id, so that
`group: Empty → PreparingRebalance by JoinGroup` is what the server says, not what the scenario means.
"""

import time
from typing import Any, Final

from tests.differential import coverage
from tests.differential.asking import Connection, described

GROUPS: Final = {8: "group_id", 11: "group_id", 12: "group_id", 13: "group_id", 14: "group_id", 28: "group_id",
                 42: "groups_names", 47: "group_id"}  # fmt: skip
TRANSACTIONS: Final = {22: "transactional_id", 24: "v3_and_below_transactional_id", 25: "transactional_id",
                       26: "transactional_id", 28: "transactional_id"}  # fmt: skip
"""The field with the name of what may change its state, by API key."""


class Listener:
    """Hears every exchange of a scenario's connections. `met` is what they covered."""

    def __init__(self, address: str) -> None:
        self.met: set[str] = set()
        self.groups: dict[str, str] = {}
        self.transactions: dict[str, str] = {}
        self._own = Connection(address)
        self._waiting: dict[str, str] = {}

    def close(self) -> None:
        """Close its connection."""
        self._own.close()

    def begun(self, api_key: int, values: dict[str, Any]) -> None:
        """A request was sent; until it is answered, changes of its group are its doing."""
        for group in _groups(api_key, values):
            self._waiting[group] = f"by {coverage.name_of(api_key)}"

    def heard(self, api_key: int, values: dict[str, Any], answer: Any, took_s: float = 0) -> None:
        """An exchange is over."""
        self.met |= coverage.facts(api_key, values, answer, took_s)
        cause = f"by {coverage.name_of(api_key)}"
        for group in _groups(api_key, values):
            self.group(group, cause)
            self._waiting.pop(group, None)
        name = values.get(TRANSACTIONS.get(api_key, ""))
        if name:
            self.transaction(name, cause)

    def heard_raw(self, data: bytes, frame: bytes | None) -> None:
        """Bytes were sent as they are."""
        self.met.add(coverage.raw(data, frame))

    def group(self, name: str, cause: str = "") -> str:
        """The group's state now; a change since it was seen last is a fact."""
        if not name:
            return ""
        answer = self._own.ask(15, 5, groups=[name], include_authorized_operations=False)
        now = answer["groups"][0]["group_state"]
        cause, before = cause or self._waiting.get(name, "in time"), self.groups.get(name, "Empty")
        if now == "Dead" and cause != "by DeleteGroups":
            now = "Empty"  # whether Kafka shows a group without members yet, or as one that is not there, is chance
        self._moved("group", before, now, cause)
        self.groups[name] = now
        return now

    def transaction(self, name: str, cause: str = "in time") -> str:
        """The transaction's state, once no marker is being written; a change since it was seen last is a fact."""
        for _ in range(200):
            now = described(self._own, name)[0]["state"] or "unknown"
            if not now.startswith("Prepare"):
                break
            time.sleep(0.02)
        self._moved("transaction", self.transactions.get(name, "unknown"), now, cause)
        self.transactions[name] = now
        return now

    def _moved(self, what: str, before: str, now: str, cause: str) -> None:
        if before != now:
            self.met.add(f"{what}: {before} → {now} {cause}")


def _groups(api_key: int, values: dict[str, Any]) -> list[str]:
    named = values.get(GROUPS.get(api_key, ""), ())
    return [named] if isinstance(named, str) else list(named)
