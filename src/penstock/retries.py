"""How what failed is tried again: how often, after which waits, and what is given up at once.

    Retry("5s", "1m", "10m", max_attempts=5, dead_letter="orders.dlq", fatal=(ValueError,))

Said once for consumers of topics and for tasks. Knows no clock, no chance and no topic: both are handed in.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from penstock.durations import Duration, milliseconds
from penstock.errors import PenstockError

ATTEMPTS_MAX = 1000
TIERS_MAX = 16
WAIT_MS_MAX = 30 * 86_400_000
_UNITS = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s"), (1, "ms"))


@dataclass(frozen=True, init=False, slots=True)
class Retry:
    """A first attempt, then further ones after each of the waits; the last wait serves for all that follow.

    `waits_ms`: at most 16, none for "never again". `max_attempts` counts the first one too; by default one more than
    there are waits. `dead_letter`: the topic (or queue) for what is given up; None lets whoever reads choose its
    usual name. `jitter`: a wait lasts up to this share longer, by chance, so that what failed together does not come
    back together. `fatal`: exceptions that another attempt does not mend: given up at once.
    """

    waits_ms: tuple[int, ...]
    max_attempts: int
    dead_letter: str | None
    jitter: float
    fatal: tuple[type[Exception], ...]

    def __init__(
        self,
        *waits: Duration,
        max_attempts: int | None = None,
        dead_letter: str | None = None,
        jitter: float = 0.1,
        fatal: Sequence[type[Exception]] = (),
    ) -> None:
        """Raises `PenstockError` for what cannot be meant."""
        put = object.__setattr__
        put(self, "waits_ms", tuple(milliseconds(wait) for wait in waits))
        put(self, "max_attempts", len(waits) + 1 if max_attempts is None else max_attempts)
        put(self, "dead_letter", dead_letter)
        put(self, "jitter", float(jitter))
        put(self, "fatal", tuple(fatal))
        self._check()

    def _check(self) -> None:
        if len(self.waits_ms) > TIERS_MAX:
            raise PenstockError(
                f"{len(self.waits_ms)} waits, at most {TIERS_MAX} are taken",
                remedy="the last wait serves for all further attempts: raise max_attempts",
            )
        for wait_ms in self.waits_ms:
            if not 1 <= wait_ms <= WAIT_MS_MAX:
                raise PenstockError(
                    f"a wait of {wait_ms} ms", remedy="a wait lasts from a millisecond to 30 days"
                )
        if not isinstance(self.max_attempts, int) or not 1 <= self.max_attempts <= ATTEMPTS_MAX:
            raise PenstockError(
                f"max_attempts of {self.max_attempts}",
                remedy=f"from 1 (never again) to {ATTEMPTS_MAX}; the first attempt counts",
            )
        if self.max_attempts > 1 and not self.waits_ms:
            raise PenstockError(
                f"{self.max_attempts} attempts without a wait between them",
                remedy='say how long to wait: Retry("5s", max_attempts=3)',
            )
        if not 0 <= self.jitter <= 1:
            raise PenstockError(f"jitter of {self.jitter}", remedy="a share of the wait, from 0 to 1")
        for kind in self.fatal:
            if not (isinstance(kind, type) and issubclass(kind, Exception)):
                raise PenstockError(
                    f"{kind!r} is not a class of exceptions", remedy="as in fatal=(ValueError,)"
                )

    @property
    def tiers(self) -> tuple[int, ...]:
        """The waits that are ever used: with few attempts not all of them are."""
        return self.waits_ms[: self.max_attempts - 1]

    def tier(self, attempts: int) -> int | None:
        """Which wait (by its place) follows when this many attempts have failed; None when it is given up."""
        if attempts >= self.max_attempts:
            return None
        return min(attempts, len(self.waits_ms)) - 1

    def wait_ms(self, tier: int, chance: float) -> int:
        """How long the wait of a tier lasts; `chance` is uniform in 0..1."""
        return round(self.waits_ms[tier] * (1 + self.jitter * chance))

    def gives_up(self, error: BaseException) -> bool:
        """Whether another attempt would be of no use after this."""
        return isinstance(error, self.fatal)


def short(wait_ms: int) -> str:
    """A wait as retry topics are named by it: ``5s``, ``1m``, ``90s``, ``1500ms``."""
    unit_ms, unit = next(each for each in _UNITS if wait_ms % each[0] == 0)
    return f"{wait_ms // unit_ms}{unit}"
