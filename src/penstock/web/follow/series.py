"""A running total turned into a rate and a minute of points. Knows no clock: each reading brings its time."""

from collections import deque

POINTS = 60


class Series:
    """Readings of a total that only grows; one that shrinks (a restart) begins anew."""

    __slots__ = ("_at_ms", "_total", "points")

    def __init__(self) -> None:
        self._total: float | None = None
        self._at_ms = 0
        self.points: deque[float] = deque(maxlen=POINTS)

    def read(self, total: float, at_ms: int) -> None:
        """One reading; those closer than a quarter of a second are passed over."""
        if self._total is not None and at_ms - self._at_ms < 250:
            return
        if self._total is not None:
            self.points.append(max(0.0, (total - self._total) * 1000 / (at_ms - self._at_ms)))
        self._total, self._at_ms = total, at_ms

    @property
    def rate(self) -> float:
        """Per second, over the last few readings, so that a count in bursts does not flicker."""
        recent = list(self.points)[-3:]
        return sum(recent) / len(recent) if recent else 0.0

    @property
    def spark(self) -> list[float]:
        """Up to 60 points, newest last."""
        return [round(point, 2) for point in self.points]


class Levels:
    """A minute of readings of something that goes up and down."""

    __slots__ = ("points",)

    def __init__(self) -> None:
        self.points: deque[float] = deque(maxlen=POINTS)

    def read(self, value: float) -> None:
        """One reading, once a second."""
        self.points.append(value)

    @property
    def rising(self) -> bool:
        """Whether the last five readings lie well above those ten before them."""
        points = list(self.points)[-15:]
        if len(points) < 15:
            return False
        return min(points[-5:]) > 1.2 * max(points[:5])

    @property
    def grown(self) -> float:
        """By how much the newest reading lies above the oldest of the minute."""
        return max(0.0, self.points[-1] - self.points[0]) if self.points else 0.0
