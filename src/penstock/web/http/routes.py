"""The routes, registered where their handlers are defined. Knows how a handler is found, not what it does."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import TypeAlias
from urllib.parse import unquote

from starlette.requests import Request
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Scope

from penstock.web.http.access import Need, check

Answer: TypeAlias = Callable[[Request], Awaitable[ASGIApp]]

ROUTES: list[Route] = []


class Segments(Route):
    """A route in whose path a name may hold a slash, written as %2F: the virtual host ``/`` is ``%2F``."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Cut the path before it is decoded."""
        raw: bytes = scope.get("raw_path") or b""
        if b"%2f" not in raw.lower():
            return super().matches(scope)
        match, found = super().matches({**scope, "path": raw.decode("latin-1")})
        if "path_params" in found:
            found["path_params"] = {name: unquote(value) for name, value in found["path_params"].items()}
        return match, found


def route(method: str, path: str, need: Need) -> Callable[[Answer], Answer]:
    """Register a handler for a method and path (starlette's patterns), and what whoever asks must be allowed."""

    def register(answer: Answer) -> Answer:
        @wraps(answer)
        async def checked(request: Request) -> ASGIApp:
            check(request, need)
            return await answer(request)

        ROUTES.append(Segments(path, checked, methods=[method]))
        return checked

    return register
