"""The console's files: what its build left in ``web/static``, or how to build it.

Registered last, as it takes every path that is left; not under /api, where a wrong path is an error.
"""

import mimetypes
import re
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from penstock.web.api.site import site
from penstock.web.http.answers import HttpError

HASHED = re.compile(r"[-.][A-Za-z0-9_-]{8,}\.[a-z0-9]+$")
FOR_EVER, ASK_AGAIN = "public, max-age=31536000, immutable", "no-cache"
MISSING = """<!doctype html><html lang="en"><meta charset="utf-8"><title>penstock</title>
<body style="font: 16px/1.5 system-ui; max-width: 40em; margin: 4em auto; padding: 0 1em">
<h1>penstock runs</h1>
<p>The console's files are not built yet. In a checkout, build them with</p>
<pre>cd ui &amp;&amp; npm install &amp;&amp; npm run build</pre>
<p>and load this page again. The HTTP API is there meanwhile: <a href="/api/status">/api/status</a>,
<a href="/api/flow">/api/flow</a>, <a href="/api/topics">/api/topics</a>, <a href="/metrics">/metrics</a>.</p>"""

# Not every system's table of types knows these, and with nosniff a wrong one means a dead page.
for ending, kind in {
    ".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml",
    ".woff2": "font/woff2", ".json": "application/json", ".map": "application/json", ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json", ".ico": "image/x-icon",
}.items():  # fmt: skip
    mimetypes.add_type(kind, ending)


async def console(request: Request) -> Response:
    """A file, or the page that finds its way from the path by itself."""
    path = request.path_params["path"]
    if path == "api" or path.startswith("api/"):
        raise HttpError(
            404,
            f"there is no /{path[:80]}",
            remedy="the API's paths are listed in docs/http-api.md",
            place="path",
        )
    folder = site(request).static
    if not (folder / "index.html").is_file():
        return HTMLResponse(MISSING, headers={"Cache-Control": ASK_AGAIN})
    return await _file(request, folder, path or "index.html")


async def _file(request: Request, folder: Path, path: str) -> Response:
    files = StaticFiles(directory=folder)
    try:
        answer = await files.get_response(path, request.scope)
    except HTTPException as missing:
        # A page may be of something with a dot in its name (/dlq/orders.dlq); a missing file must not come back as a page.
        first = path.partition("/")[0]
        if missing.status_code != 404 or first == "assets" or "." in first:
            raise
        path = "index.html"
        answer = await files.get_response(path, request.scope)
    answer.headers["Cache-Control"] = (
        FOR_EVER if path.startswith("assets/") and HASHED.search(path) else ASK_AGAIN
    )
    return answer
