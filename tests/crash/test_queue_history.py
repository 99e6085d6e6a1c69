"""A sound history of queues has no anomaly; spoilt in one place it has that one, by its name."""

from collections.abc import Callable

import pytest

from tests.crash.queue_history import QueueHistory, Rest

Told = tuple[QueueHistory, Rest]


def sound() -> Told:
    """Of nine values: acknowledged 0 to 2, copied 3 and 4, delivered twice 5, dead 6, left 7, never confirmed nor seen 8."""
    history, values = QueueHistory(), [f"ada {number}" for number in range(9)]
    history.send(values)
    history.confirm(values[:8])
    for value in values[:7]:
        history.deliver(value, 0)
    history.settle(values[:3], copied=False, life=0)
    history.settle(values[3:5], copied=True, life=0)
    history.life = 1
    history.deliver(values[5], 1)
    return history, Rest(drained=[values[5], values[7]], copies=values[3:5], dead=[values[6]])


SPOILT: dict[str, Callable[[QueueHistory, Rest], None]] = {
    "made up": lambda history, rest: rest.drained.append("nobody 1"),
    "lost": lambda history, rest: rest.drained.remove("ada 7"),
    "came back": lambda history, rest: history.deliver("ada 1", 1),
    "copied twice": lambda history, rest: rest.copies.append("ada 3"),
    "half": lambda history, rest: rest.copies.remove("ada 4"),
    "dead twice": lambda history, rest: rest.dead.append("ada 6"),
    "dead and alive": lambda history, rest: rest.drained.append("ada 6"),
    "drained twice": lambda history, rest: rest.drained.append("ada 7"),
}


def test_a_sound_history_has_no_anomaly() -> None:
    history, rest = sound()
    assert history.anomalies(rest) == []


@pytest.mark.parametrize("name", SPOILT)
def test_what_is_spoilt_is_found_by_its_name(name: str) -> None:
    history, rest = sound()
    SPOILT[name](history, rest)
    assert {one.rsplit(" ", 2)[0] for one in history.anomalies(rest)} == {name}


def test_a_settled_value_that_is_left_in_its_queue_came_back() -> None:
    history, rest = sound()
    rest.drained.append("ada 2")
    assert history.anomalies(rest) == ["came back ada 2"]


def test_what_a_dead_broker_wrote_may_be_read_late() -> None:
    history, rest = sound()
    history.settle(["ada 5"], copied=False, life=2)
    rest.drained.remove("ada 5")
    history.deliver("ada 5", 1)
    assert history.anomalies(rest) == []
