"""POST /api/sql/explain: the plan of a script, before and after the engine's rules.

The script is compiled in a process of its own: whatever it asks of memory and time ends with it.
"""

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from penstock.web.api.site import site
from penstock.web.http.access import ANYONE
from penstock.web.http.answers import HttpError, ok, read_body
from penstock.web.http.inputs import known
from penstock.web.http.routes import route

SCRIPT_CHARS_MAX = 200_000
ANSWER_S = 30.0
SCRIPTS_MAX = 4


class Asked(msgspec.Struct, forbid_unknown_fields=True):
    """The request's body."""

    script: str


@route("POST", "/api/sql/explain", ANYONE)
async def explain(request: Request) -> Response:
    """Nothing is read and nothing is run: whoever may come in may ask. One script is compiled at a time."""
    known(request)
    asked = await read_body(request, Asked)
    if len(asked.script) > SCRIPT_CHARS_MAX:
        raise HttpError(413, f"a script has at most {SCRIPT_CHARS_MAX} characters", place="script")
    at = site(request)
    if at.scripts >= SCRIPTS_MAX:
        raise HttpError(503, "others are having plans explained", remedy="try again in a moment")
    at.scripts += 1
    try:
        async with asyncio.timeout(ANSWER_S), at.compiling:
            told = msgspec.json.decode(await _explained(asked.script))
    finally:
        at.scripts -= 1
    return ok(told, 400 if "error" in told else 200)


async def _explained(script: str) -> bytes:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "penstock.sql", stdin=PIPE, stdout=PIPE, stderr=DEVNULL
    )
    try:
        said, _ = await process.communicate(script.encode(errors="replace"))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise HttpError(400, "the script takes too much to compile", remedy="split it", place="script")
    return said
