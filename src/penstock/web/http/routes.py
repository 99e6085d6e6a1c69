"""The routes, registered where their handlers are defined. Knows how a handler is found, not what it does."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import TypeAlias

from starlette.requests import Request
from starlette.routing import Route
from starlette.types import ASGIApp

from penstock.web.http.access import Need, check

Answer: TypeAlias = Callable[[Request], Awaitable[ASGIApp]]

ROUTES: list[Route] = []


def route(method: str, path: str, need: Need) -> Callable[[Answer], Answer]:
    """Register a handler for a method and path (starlette's patterns), and what whoever asks must be allowed."""

    def register(answer: Answer) -> Answer:
        @wraps(answer)
        async def checked(request: Request) -> ASGIApp:
            check(request, need)
            return await answer(request)

        ROUTES.append(Route(path, checked, methods=[method]))
        return checked

    return register
