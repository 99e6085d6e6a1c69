"""Publishers are held back before the disk is full, and let go again."""

import os
from pathlib import Path

import pytest

from penstock.app.room import FREE_BYTES_MIN, Room


class Disk:
    def __init__(self, free_bytes: int) -> None:
        self.f_bavail, self.f_frsize = free_bytes // 4096, 4096


def test_a_disk_with_little_room_is_low_until_there_is_more(monkeypatch: pytest.MonkeyPatch) -> None:
    room = Room(Path("/nowhere"))
    free = [FREE_BYTES_MIN * 2, FREE_BYTES_MIN // 2, FREE_BYTES_MIN // 2, FREE_BYTES_MIN * 2]
    monkeypatch.setattr(os, "statvfs", lambda folder: Disk(free.pop(0)))
    assert [(room.look(), room.low) for _ in range(4)] == [
        (False, False),
        (True, True),
        (False, True),
        (True, False),
    ]


def test_who_cannot_look_holds_nobody_back(tmp_path: Path) -> None:
    room = Room(tmp_path / "gone")
    assert not room.look()
    assert not room.low


def test_a_real_disk_is_looked_at(tmp_path: Path) -> None:
    assert Room(tmp_path, free_bytes_min=1 << 62).look()
