"""Calls whose answer takes slow work: begun here, done a piece at a time on the driver's threads, answered as a `Later`.

Knows steps and answers; knows no threads, and not what the work is.
"""

from collections.abc import Callable

from penstock.errors import Refusal, Refused
from penstock.later import Later, Piece, Steps

READING, SEEKING, SLICING = "reading", "seeking", "slicing"
"""The lanes: reads of what is not in memory, searches in what may be large, and work that is done here, a slice a turn.
One does not hold up the other."""


def others_first() -> None:
    """The piece between two slices: nothing is done on the thread, and on the loop others have their turn."""


class Errand:
    """One call's work. The driver runs `piece` on a thread and calls `go_on` with what came of it, until it is None."""

    __slots__ = ("_steps", "inner", "lane", "later", "piece")

    def __init__(self, lane: str, steps: Steps[object], piece: Piece) -> None:
        self.lane, self._steps = lane, steps
        self.piece: Piece | None = piece
        self.later: Later[object] = Later()
        self.inner: Later[object] | None = None  # where the work ended in a further wait

    def go_on(self, given: object) -> None:
        """What the piece gave, or the exception that it raised."""
        if self.piece is None:
            return  # dropped meanwhile
        try:
            self.piece = self._steps.throw(given) if isinstance(given, Exception) else self._steps.send(given)
            return
        except StopIteration as end:
            answer = end.value
        except FileNotFoundError:
            answer = Refused(Refusal.NO_TOPIC, "it was deleted meanwhile")
        except OSError as error:
            answer = Refused(Refusal.DISK_FAILED, str(error))
        except ValueError as error:
            answer = Refused(Refusal.CORRUPT, str(error))
        self.piece = None
        if isinstance(answer, Later):
            self.inner = answer
            answer.watch(self.later.resolve)
        else:
            self.later.resolve(answer)

    def fail(self, refused: Refused) -> None:
        """It ends here."""
        self.piece = None
        self.later.resolve(refused)

    def drop(self) -> None:
        """Nobody waits for it any more."""
        self.piece = None
        self._steps.close()


class Errands:
    """Those of one broker."""

    def __init__(self) -> None:
        self._new: list[Errand] = []
        self._by_token: dict[Later[object], Errand] = {}

    def __len__(self) -> int:
        return len(self._by_token)

    def begin(self, lane: str, steps: Steps[object]) -> object:
        """The answer at once where nothing slow was needed, else a `Later`."""
        try:
            piece = next(steps)
        except StopIteration as end:
            return end.value
        errand = Errand(lane, steps, piece)
        self._new.append(errand)
        self._by_token[errand.later] = errand
        errand.later.watch(lambda _: self._forget(errand))
        return errand.later

    def run(self, lane: str, steps: Steps[object]) -> Later[object]:
        """For who is not a client, and wants to hear of it in one way: done by now where nothing slow was needed."""
        found = self.begin(lane, steps)
        if isinstance(found, Later):
            return found
        later: Later[object] = Later()
        later.resolve(found)
        return later

    def _forget(self, errand: Errand) -> None:
        self._by_token.pop(errand.later, None)

    def take(self) -> list[Errand]:
        """What was begun; each is taken once."""
        new, self._new = self._new, []
        return new

    def drop(self, token: object, waits: Callable[[object], object]) -> None:
        """A client is gone: its errand ends, or what that waits for by now, of which `waits` is told."""
        errand = self._by_token.pop(token, None) if isinstance(token, Later) else None
        if errand is not None:
            errand.drop()
            if errand.inner is not None:
                waits(errand.inner)
