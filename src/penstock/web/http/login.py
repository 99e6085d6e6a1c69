"""Who asks: HTTP Basic (RFC 7617) or a certificate, before anything is answered; nobody must where there are no users.

/healthz is for everyone. A browser asks its user once and then sends the password with every request, so a password
that was right is not checked anew. Checking takes a thread; failures come late and look alike. Knows no resources.
"""

import asyncio
import base64
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from penstock.broker.access.logins import FAILURE_S, WAITING_MAX, Logins
from penstock.errors import PenstockError
from penstock.users.directory import ANONYMOUS, ITSELF
from penstock.users.follow import FollowedUsers, told_of
from penstock.web.clocks import read_clocks
from penstock.web.http.access import DIRECTORY, USER
from penstock.web.http.answers import HttpError, error_body, ok

log = logging.getLogger("penstock.web")

CERTIFIED: Final = "penstock.certified"
"""Where a connection's scope says whom its certificate names."""
OPEN_PATHS: Final = ("/healthz",)
LOOK_S: Final = 0.5
CHALLENGE: Final = {"WWW-Authenticate": 'Basic realm="penstock", charset="UTF-8"'}
REMEDY: Final = "log in as a user that penstock user list shows"


class Passwords:
    """Checks passwords against the users of the moment."""

    def __init__(self, users: FollowedUsers) -> None:
        self.users = users
        self._logins = Logins(os.urandom)
        self._thread = ThreadPoolExecutor(1, "passwords")

    async def check(self, user: str, password: str, peer: str) -> None:
        """Return for the right password; raises HttpError (401 late, 503 while too many wait)."""
        found = self.users.directory.users.get(user)
        kept = found.password if found is not None else ""
        if kept and self._logins.is_proven(user, kept, password):
            return
        if self._logins.waiting >= WAITING_MAX:
            raise HttpError(503, "too many logins wait", remedy="try again in a few seconds")
        right: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._logins.check(kept, password, lambda is_right, now: right.set_result(is_right))
        (work,) = self._logins.take_work()
        work.done(await asyncio.get_running_loop().run_in_executor(self._thread, work.run), read_clocks())
        if right.result():
            self._logins.prove(user, kept, password)
            return
        if told := self._logins.failed(f"{user[:80]!r} from {peer} by HTTP Basic", read_clocks()):
            log.warning("%s", told)
        await asyncio.sleep(FAILURE_S)
        raise HttpError(401, "the user or the password is wrong", remedy=REMEDY)

    async def follow(self) -> None:
        """Take over the users' file as it changes."""
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                self.users.look()
            except PenstockError as error:
                log.error("%s", told_of(error))


class LoginGate:
    """ASGI middleware, behind the guard: puts who asks, and what holds, into the request's scope."""

    def __init__(self, app: ASGIApp, passwords: Passwords) -> None:
        self.app, self.passwords = app, passwords

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let through, or answer 401."""
        directory = self.passwords.users.directory
        try:
            if scope["type"] == "http":
                entered = directory.open or scope["path"] in OPEN_PATHS
                scope[USER] = ANONYMOUS if entered else await self._user(scope)
                scope[DIRECTORY] = directory
        except HttpError as refused:
            headers = CHALLENGE if refused.status == 401 else {"Retry-After": "3"}
            await ok(error_body(refused), refused.status, headers)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    async def _user(self, scope: Scope) -> str:
        certified: str = scope.get(CERTIFIED, "")
        given = Headers(scope=scope).getlist("authorization")
        if not given and certified and certified not in (ITSELF, ANONYMOUS):
            return certified
        kind, _, packed = (given[0] if len(given) == 1 else "").partition(" ")
        try:
            user, colon, password = base64.b64decode(packed.strip(), validate=True).decode().partition(":")
        except ValueError:
            user = colon = password = ""
        if kind.lower() != "basic" or not colon:
            raise HttpError(401, "this needs a login", remedy=REMEDY, place="Authorization")
        await self.passwords.check(user, password, (scope.get("client") or ("?",))[0])
        return user
