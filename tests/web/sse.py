"""A client of server-sent events for tests: folds a table as docs/http-api.md says a client should."""

import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx


async def events(answer: httpx.Response) -> AsyncIterator[tuple[str, str | None, str]]:
    """(event, id or None where it has none, data) of each event; comments are passed over."""
    name, token, data = "message", None, ""
    async for line in answer.aiter_lines():
        if not line:
            if data:
                yield name, token, data
            name, token, data = "message", None, ""
        elif line.startswith("event: "):
            name = line[7:]
        elif line.startswith("id:"):
            token = line[3:].removeprefix(" ")
        elif line.startswith("data: "):
            data += line[6:]


class Folded:
    """A table as one client has folded it, over any number of connections."""

    def __init__(self, http: httpx.AsyncClient, url: str, key: str = "core") -> None:
        self.http, self.url, self.key = http, url, key
        self.rows: dict[Any, dict[str, Any]] = {}
        self.token = ""
        self.seen = self.resets = self.snapshots = 0

    async def listen(self, count: int, *, until_token: str = "", quiet_s: float = 10) -> None:
        """Connect, take up to `count` events, until a token or a silence, and cut the connection without a word."""
        with contextlib.suppress(*([httpx.ReadTimeout] if quiet_s < 10 else [])):
            await self._listen(count, until_token, quiet_s)

    async def _listen(self, count: int, until_token: str, quiet_s: float) -> None:
        headers = {"last-event-id": self.token} if self.token else {}
        async with self.http.stream(
            "GET", self.url, headers=headers, timeout=httpx.Timeout(10, read=quiet_s)
        ) as answer:
            assert answer.status_code == 200, await answer.aread()
            taken = 0
            async for name, token, data in events(answer):
                if token is not None:
                    self.token = token
                self.take(name, json.loads(data))
                taken += 1
                if taken >= count or (until_token and self.token == until_token):
                    return

    def take(self, name: str, data: dict[str, Any]) -> None:
        self.seen += 1
        if name == "reset":
            self.resets += 1
        elif name == "snapshot":
            if data["first"]:
                self.snapshots += 1
                self.rows = {}
            self.rows.update({row[self.key]: row for row in data["rows"]})
        elif name == "change":
            if data["kind"] == "upsert":
                self.rows[data["key"][self.key]] = data["row"]
            else:
                self.rows.pop(data["key"][self.key], None)
