"""A call on its way to its queue: to be awaited in a loop, or waited for without one. Knows futures only."""

import asyncio
from collections.abc import Generator
from concurrent.futures import Future


class Sent:
    """`id` is the call's; results have it as their key. Awaiting, or `wait`, gives it once the call is safe."""

    def __init__(self, id: str, safe: "Future[None]") -> None:
        self.id, self._safe = id, safe

    def __await__(self) -> Generator[object, None, str]:
        """In a loop."""
        yield from asyncio.wrap_future(self._safe).__await__()
        return self.id

    def wait(self, timeout_s: float | None = None) -> str:
        """Without one. Raises what sending raised, or TimeoutError."""
        self._safe.result(timeout_s)
        return self.id
