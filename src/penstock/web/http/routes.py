"""The routes, registered where their handlers are defined. Knows how a handler is found, not what it does."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from starlette.requests import Request
from starlette.routing import Route
from starlette.types import ASGIApp

Answer: TypeAlias = Callable[[Request], Awaitable[ASGIApp]]

ROUTES: list[Route] = []


def route(method: str, path: str) -> Callable[[Answer], Answer]:
    """Register a handler for a method and path (starlette's patterns)."""

    def register(answer: Answer) -> Answer:
        ROUTES.append(Route(path, answer, methods=[method]))
        return answer

    return register
