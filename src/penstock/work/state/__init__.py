"""A job's state in its topic: a journal of what the engine was asked, snapshots, savepoints, and going on from them."""

from penstock.work.state.fold import Kept
from penstock.work.state.records import Call, Entry, Positions
from penstock.work.state.topic import Saved, StateTopic

__all__ = ["Call", "Entry", "Kept", "Positions", "Saved", "StateTopic"]
