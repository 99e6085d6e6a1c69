"""What is remembered of logins: passwords that were right, work that waits for a thread, failures not yet told of.

Knows hashes and their checking; knows no calls and no protocol.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from penstock.broker.turns.seldom import Seldom
from penstock.clock import Now
from penstock.users.passwords import SALT_BYTES, nobodys, verify
from penstock.users.scram import HASHES, ITERATIONS, ScramKeys
from penstock.users.scram import SALT_BYTES as SCRAM_SALT_BYTES

WAITING_MAX: Final = 64
"""Passwords that wait to be checked, some 50 ms each; further logins are told to come back."""
FAILURE_S: Final = 0.5
"""How long a failed login waits for its answer, in seconds."""


@dataclass(frozen=True, slots=True)
class Work:
    """Something slow: `run` may be called on any thread, `done` gets what it gave (False: it failed)."""

    run: Callable[[], bool]
    done: Callable[[bool, Now], None]


class Logins:
    """`randomness` is asked for the first time at the first login."""

    def __init__(self, randomness: Callable[[int], bytes]) -> None:
        self._randomness = randomness
        self._secret = b""
        self._proven: dict[str, tuple[str, bytes]] = {}
        self._work: list[Work] = []
        self.waiting = 0
        self._failures = Seldom()

    def secret(self) -> bytes:
        """This process's own key."""
        self._secret = self._secret or self._randomness(32)
        return self._secret

    # --- passwords -----------------------------------------------------------------------------------------------

    def is_proven(self, user: str, kept: str, password: str) -> bool:
        """Whether this very password was right before, with the hash that is kept now: then it need not cost again."""
        known, mark = self._proven.get(user, ("", b""))
        return known == kept and hmac.compare_digest(mark, self._mark(kept, password))

    def prove(self, user: str, kept: str, password: str) -> None:
        """Remember that the password was right."""
        self._proven[user] = (kept, self._mark(kept, password))

    def _mark(self, kept: str, password: str) -> bytes:
        return hmac.digest(self.secret(), f"{kept}\0{password}".encode(), "sha256")

    def check(self, kept: str, password: str, done: Callable[[bool, Now], None]) -> None:
        """Check a password on a thread; one that nobody has, where there is no hash: that takes as long."""
        self.waiting += 1
        hashed = kept or nobodys(self.secret()[:SALT_BYTES])
        self._work.append(Work(partial(verify, hashed, password), partial(self._checked, done)))

    def _checked(self, done: Callable[[bool, Now], None], found: bool, now: Now) -> None:
        self.waiting -= 1
        done(found, now)

    def take_work(self) -> list[Work]:
        """What is to be run on threads; each is taken once."""
        work, self._work = self._work, []
        return work

    def nobodys_keys(self, mechanism: str, user: str) -> ScramKeys:
        """Keys that no password fits; the same for the same name, as a real user's would be."""
        salt = hmac.digest(self.secret(), f"{mechanism}\0{user}".encode(), "sha512")
        size = 32 if HASHES[mechanism] == "sha256" else 64
        return ScramKeys(salt[:SCRAM_SALT_BYTES], ITERATIONS, self._randomness(size), self._randomness(size))

    # --- failures ------------------------------------------------------------------------------------------------

    def failed(self, what: str, now: Now) -> str | None:
        """Count a failure; the sentence to tell of it and of those before, where it is time for one."""
        count = self._failures.add(now)
        if not count:
            return None
        return f"a login failed: {what}" if count == 1 else f"{count} logins failed, the last one: {what}"
