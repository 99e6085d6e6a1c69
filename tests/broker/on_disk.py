"""A table whose log stands on the simulated disk: falls at any step, and is started again on what is left."""

from typing import Any

from penstock.broker.broker import Broker, BrokerOptions
from penstock.calls import Call
from penstock.log import Log, LogOptions
from penstock.testing.disk import Crashed, SimulatedDisk

from .bench import START, Table, numbered


class DiskTable(Table):
    """`restart` loses whatever was not synced, as a power cut does."""

    def __init__(self, seed: int = 0, options: BrokerOptions | None = None) -> None:
        self.disk, self.options = SimulatedDisk(seed), options or BrokerOptions()
        self._random = numbered()
        super().__init__(Log.open(self.disk, LogOptions(), START), self.options)

    def sync(self) -> None:
        while self.broker.needs_sync:
            sync = self.log.begin_sync(self.now)
            if sync is None:
                return
            sync.run()
            assert sync.error is None
            self.broker.moved(self.log.end_sync(sync, self.now), self.now)

    def restart(self) -> None:
        self.disk.crash()
        self.log = Log.open(self.disk, LogOptions(), self.now)
        self.broker = Broker(self.log, self.options, self.now, self._random)

    def crash_after(self, steps: int) -> None:
        """The disk goes down at its `steps`-th change from now."""
        self.disk.crash_at = steps

    def survive(self, call: Call) -> Any:
        """The settled answer; None if the machine went down before it (or earlier: then nothing is done)."""
        if self.disk.crash_at is not None and self.disk.crash_at < 0:
            return None
        try:
            return self.settled(call)
        except Crashed:
            return None


def run_errands(broker: Broker) -> None:
    """What the driver's threads do, at once."""
    for errand in broker.take_errands():
        while errand.piece is not None:
            try:
                errand.go_on(errand.piece())
            except (OSError, ValueError) as error:
                errand.go_on(error)
