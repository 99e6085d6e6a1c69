"""The ASGI application: guard, counting, routes, errors, put together. Knows what stands where, not what it does."""

import time

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from penstock.web import api, dlq, queues
from penstock.web.api.site import Site
from penstock.web.http.answers import HANDLERS
from penstock.web.http.guard import Guard, GuardOptions
from penstock.web.http.login import LoginGate, Passwords
from penstock.web.http.routes import ROUTES

__all__ = ["build", "dlq", "queues"]  # imported for its routes
METHODS = {"GET", "HEAD", "POST", "DELETE", "OPTIONS", "PUT", "PATCH"}


def build(
    site: Site, options: GuardOptions, passwords: Passwords | None = None, scheme: str = "http"
) -> Starlette:
    """The application over a site's parts; without `passwords` there are no users to be."""
    console = Route("/{path:path}", api.console.console, methods=["GET"])
    middleware = [Middleware(Counting, site=site), Middleware(Guard, options=options, scheme=scheme)]
    if passwords is not None:
        middleware.append(Middleware(LoginGate, passwords=passwords))
    app = Starlette(routes=[*ROUTES, console], middleware=middleware, exception_handlers=HANDLERS)
    app.state.site = site
    return app


class Counting:
    """ASGI middleware: counts answers by route, method and status. A foreign path or method is counted as other."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self.app, self.site = app, site
        self._paths = {route.endpoint: route.path for route in ROUTES} | {api.console.console: "console"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began_s, status, lasting = time.monotonic(), 0, False

        async def noting(message: Message) -> None:
            nonlocal status, lasting
            if message["type"] == "http.response.start":
                status = message["status"]
                lasting = any(value.startswith(b"text/event-stream") for _, value in message["headers"])
                self.site.requests[(method, self._path(scope), status)] += 1
            await send(message)

        method = scope["method"] if scope["method"] in METHODS else "other"
        await self.app(scope, receive, noting)
        if status and not lasting:
            self.site.request_s[self._path(scope)] += time.monotonic() - began_s  # type: ignore[assignment]

    def _path(self, scope: Scope) -> str:
        endpoint = scope.get("endpoint")
        return self._paths.get(endpoint, "refused") if endpoint else "refused"
