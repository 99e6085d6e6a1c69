"""SASL (RFC 4422) on the server's side, for any gateway: tokens in, challenges and an outcome out, calls in between.

PLAIN (RFC 4616) and SCRAM (RFC 5802). What a wrong token was wrong about is told to nobody. Knows no protocol's frames
and no users: it asks by calls, and is handed randomness.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, TypeAlias

from penstock.calls import Call, CheckPassword, EndLogin, FindScram, Principal
from penstock.errors import Refusal, Refused
from penstock.users.directory import ANONYMOUS, ITSELF
from penstock.users.scram import NONCE_BYTES, ScramError, ScramServer

TOKEN_BYTES_MAX: Final = 8192
FAILED: Final = Refused(Refusal.LOGIN_FAILED)
Randomness: TypeAlias = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Say:
    """A challenge for the client, who answers it by a further token."""

    token: bytes


@dataclass(frozen=True, slots=True)
class Entered:
    """The client is who it says, or `acting` for who it says; `token` is the mechanism's last word."""

    user: str
    token: bytes = b""
    acting: bool = False


Outcome: TypeAlias = Entered | Refused
Dialogue: TypeAlias = Generator[Call | Say, Any, Outcome]


def plain(principal: Principal, randomness: Randomness, token: bytes) -> Dialogue:
    """``[authzid] NUL user NUL password``; only penstock's own processes act for others, who asked them."""
    try:
        acting, user, password = token.decode().split("\0")
    except ValueError:
        acting = user = password = ""
    own = user == ITSELF and acting not in (ITSELF, ANONYMOUS)
    if not user or not password or (acting not in ("", user) and not own):
        yield EndLogin(principal, "PLAIN", user[:255], False)
        return FAILED
    found = yield CheckPassword(principal, user, password)
    entered = Entered(acting, acting=True) if acting not in ("", user) else Entered(user)
    return entered if found is True else found


def scram(mechanism: str, principal: Principal, randomness: Randomness, token: bytes) -> Dialogue:
    """Two tokens; the password itself is never sent."""
    server, user = ScramServer(mechanism, randomness(NONCE_BYTES)), ""
    try:
        user = server.first(token)
        keys = yield FindScram(principal, mechanism, user)
        last = server.final((yield Say(server.challenge(keys))))
    except ScramError:
        yield EndLogin(principal, mechanism, user[:255], False)
        return FAILED
    yield EndLogin(principal, mechanism, user, True)
    return Entered(user, last)


MECHANISMS: Final[dict[str, Callable[[Principal, Randomness, bytes], Dialogue]]] = {
    "PLAIN": plain,
    "SCRAM-SHA-256": partial(scram, "SCRAM-SHA-256"),
    "SCRAM-SHA-512": partial(scram, "SCRAM-SHA-512"),
}


def nobody_must() -> bool:
    """There is nothing to protect."""
    return False


class Login:
    """One connection's way in. `user` is who it speaks for; `over` says that it ends after the answer."""

    def __init__(
        self,
        randomness: Randomness = bytes,
        required: Callable[[], bool] = nobody_must,
        certified: str = "",
        known: Callable[[str], bool] = lambda user: True,
    ) -> None:
        """`required` says whether one must log in at all, now; `certified` is who a certificate has named already;
        `known` says of whom there is a user, now."""
        self._randomness, self._required = randomness, required
        self.user, self.entered, self.over = certified, bool(certified), False
        self._known, self._was_known = known, False
        self.mechanism = ""
        self.bare_tokens = False
        """Tokens come without the protocol's own headers (Kafka's SaslHandshake version 0)."""
        self._dialogue: Dialogue | None = None

    @property
    def pending(self) -> bool:
        """Whether nothing but logging in may be done."""
        return not self.entered and self._required()

    def removed(self) -> bool:
        """Whether the user was there, and is not any more. A certificate lets in whom nobody knows, without rights."""
        known = self.entered and self._known(self.user)
        self._was_known = self._was_known or known
        return self._was_known and not known

    def choose(self, mechanism: str) -> bool:
        """The client names its mechanism; False where it is not offered, and the connection ends."""
        self.over = mechanism not in MECHANISMS
        self.mechanism = "" if self.over else mechanism
        return not self.over

    def take(self, principal: Principal, token: bytes) -> Generator[Call, Any, Say | Outcome]:
        """The client's next token: calls, then what to say to it. `Refused` and `Entered` end the login."""
        if len(token) > TOKEN_BYTES_MAX:
            token = b""
        if self._dialogue is None:
            self._dialogue = MECHANISMS[self.mechanism](replace(principal, name=""), self._randomness, token)
            sent: Any = None
        else:
            sent = token
        try:
            while True:
                step = self._dialogue.send(sent)
                if isinstance(step, Say):
                    return step
                sent = yield step
        except StopIteration as end:
            outcome: Outcome = end.value
        self.mechanism, self._dialogue = "", None
        if isinstance(outcome, Entered):
            self.user, self.entered, self._was_known = outcome.user, True, not outcome.acting
        else:
            self.over = True
        return outcome
