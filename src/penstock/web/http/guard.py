"""Who may ask: the Host, Origin, content type and size of every request, before anything looks at it.

Against DNS rebinding (a foreign name that resolves to this machine) and pages of other sites that send requests to
it: a browser always tells the Host and, for requests that can change or read something, the Origin. Knows nothing
of resources. Sources: Fetch Standard (Origin, Sec-Fetch-*), RFC 9110.
"""

import ipaddress
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from penstock.web.http.answers import HttpError, error_body, ok

READS = ("GET", "HEAD", "OPTIONS")
CONTENT_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
SAFETY = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Content-Security-Policy": CONTENT_POLICY,
}


@dataclass(frozen=True)
class GuardOptions:
    """What is let in beside this machine's own loopback names."""

    allow_hosts: str = ""
    """Further names that requests may address this server by, separated by commas."""
    allow_origins: str = ""
    """Origins (http://host:port) of other pages that may use the API, separated by commas."""
    body_bytes_max: int = 1024 * 1024
    """The largest request body, in bytes."""


class TooLargeError(Exception):
    """More of a body came than a request may have."""


class Guard:
    """ASGI middleware; outermost, so that nothing answers before it."""

    def __init__(self, app: ASGIApp, options: GuardOptions, scheme: str = "http") -> None:
        """`scheme` is how browsers reach this server: a page that came without TLS is of another origin."""
        self.app, self.options, self.scheme = app, options, scheme
        self._hosts = {name.strip().lower() for name in options.allow_hosts.split(",") if name.strip()}
        self._origins = {
            origin.strip().rstrip("/") for origin in options.allow_origins.split(",") if origin.strip()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        headers = Headers(scope=scope)
        answer = self._dressed(send, scope, headers)
        try:
            self.check(scope["method"], scope["path"], headers)
        except HttpError as refused:
            await ok(error_body(refused), refused.status)(scope, receive, answer)
            return
        if scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            await self._preflight(scope, receive, answer)
            return
        bounded = Bounded(receive, self.options.body_bytes_max)
        try:
            await self.app(scope, bounded, answer)
        except TooLargeError:
            await self._too_large()(scope, receive, answer)

    def check(self, method: str, path: str, headers: Headers) -> None:
        """Raise HttpError where the request must not go on."""
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._ours(hosts[0]):
            remedy = "use http://127.0.0.1 or http://localhost, or list the name in web.allow_hosts"
            raise HttpError(403, "the request's Host is not this server's", remedy=remedy, place="Host")
        origins = headers.getlist("origin")
        if origins and not (len(origins) == 1 and self._may(origins[0], hosts[0])):
            remedy = "list the page's origin in web.allow_origins, if you trust it"
            raise HttpError(
                403, "a page of another origin may not use this API", remedy=remedy, place="Origin"
            )
        # <img src=…> and <script src=…> send no Origin, but say where they come from and that they are no navigation.
        strange = headers.get("sec-fetch-site") in ("cross-site", "same-site") and not origins
        if strange and headers.get("sec-fetch-mode") != "navigate":
            raise HttpError(403, "a page of another site may not embed this", place="Sec-Fetch-Site")
        if method not in READS and not _bare_deletion(method, headers):
            if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
                remedy = "send the header Content-Type: application/json"
                raise HttpError(415, "changes are asked for in JSON", remedy=remedy, place="Content-Type")
            length = headers.get("content-length", "0")
            if not length.isdigit() or len(length) > 15 or int(length) > self.options.body_bytes_max:
                raise self._large()

    def _ours(self, host: str) -> bool:
        name = host.lower().strip()
        if name.startswith("["):
            name = name[1:].partition("]")[0]
        elif name.count(":") == 1:
            name = name.partition(":")[0]
        if name == "localhost" or name in self._hosts:
            return True
        try:
            return ipaddress.ip_address(name).is_loopback
        except ValueError:
            return False

    def _may(self, origin: str, host: str) -> bool:
        return origin.lower() == f"{self.scheme}://{host.lower()}" or origin in self._origins

    def _large(self) -> HttpError:
        most = self.options.body_bytes_max
        remedy = "send the records in several requests, or over the Kafka protocol"
        return HttpError(413, f"a request body has at most {most} bytes", remedy=remedy, place="body")

    def _too_large(self) -> ASGIApp:
        refused = self._large()
        return ok(error_body(refused), refused.status, {"Connection": "close"})

    async def _preflight(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A browser asks whether a page of another, listed origin may send what it wants to send."""
        allowed = {"Access-Control-Allow-Methods": "GET, POST, PUT, DELETE", "Access-Control-Max-Age": "600"}
        allowed["Access-Control-Allow-Headers"] = "Authorization, Content-Type, Last-Event-ID"
        own = Headers(scope=scope).get("origin") in self._origins
        await ok(b"{}", 200, allowed if own else None)(scope, receive, send)

    def _dressed(self, send: Send, scope: Scope, request: Headers) -> Send:
        """Adds to every answer the headers that keep browsers careful with it."""
        origin = request.get("origin")

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SAFETY.items():
                    headers[name] = value
                if scope["path"].startswith("/api/"):
                    headers.setdefault("Cache-Control", "no-store")
                if origin is not None and origin in self._origins:
                    headers["Access-Control-Allow-Origin"] = origin
                    headers["Vary"] = "Origin"
                    headers["Cross-Origin-Resource-Policy"] = "cross-origin"
            await send(message)

        return dressed


def _bare_deletion(method: str, headers: Headers) -> bool:
    """A DELETE with nothing in it, as RabbitMQ's tools send it, and not from a page.

    No page can send one. Forms know GET and POST alone (HTML, 4.10.18.3); `fetch` with mode no-cors refuses the method, and any
    other mode asks this server first (Fetch Standard, 2.2.1 and 4.8), which lets listed origins in alone; and if it did not, the
    request would have an Origin, which goes with every method but GET and HEAD (3.2), a page's of our own address too, after
    redirects too. A name that was bound anew to this machine is not ours (Host). Chromium is held to this by a test.
    """
    told = ("origin", "sec-fetch-site", "content-type", "transfer-encoding")
    bare = not any(name in headers for name in told) and headers.get("content-length", "0") == "0"
    return method == "DELETE" and bare


class Bounded:
    """Receives a body and counts it, whatever its Content-Length said."""

    def __init__(self, receive: Receive, bytes_max: int) -> None:
        self._receive, self._left = receive, bytes_max

    async def __call__(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            if self._left < 0:
                raise TooLargeError
        return message
