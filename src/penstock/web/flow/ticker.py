"""The flow drawn once a second, encoded once, for all who look.

Knows when; the graph and the troubles know what.
"""

import asyncio
import logging

from penstock.web.flow.graph import as_flow, draw
from penstock.web.flow.troubles import Trouble, Troubles
from penstock.web.follow.watch import Watch
from penstock.web.http.answers import encode
from penstock.web.http.events import Wake

EVERY_S = 1.0


class Ticker:
    """The newest picture, and the wake-up that tells of it."""

    def __init__(self, watch: Watch) -> None:
        self.wake = Wake()
        self.at_ms = 0
        self.picture = b""
        self.troubles: list[Trouble] = []
        self._watch, self._memory = watch, Troubles()

    def tick(self) -> bytes:
        """Draw now."""
        self.at_ms = self._watch.wall_ms()
        self.troubles = self._memory.find(self._watch, self.at_ms)
        self.picture = encode(as_flow(draw(self._watch, self.at_ms), self.troubles, self.at_ms))
        self.wake.all()
        return self.picture

    async def run(self) -> None:
        """Draw for ever."""
        while True:
            try:
                self.tick()
            except Exception:  # one odd report must not end the picture for good
                logging.getLogger("penstock.web").exception("the flow could not be drawn")
            await asyncio.sleep(EVERY_S)
