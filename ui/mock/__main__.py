"""The API of penstock over a simulated world, to work on the console without a server.

Run `python ui/mock --port 8090`, then `PENSTOCK_API=http://127.0.0.1:8090 npm run dev` in ui/. Serves the built bundle too.
`POST /mock` with {"trouble": bool} or {"wipe": true} changes the weather; `GET /mock` counts the requests.
"""

import argparse
import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import answers
import letters
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from world import Table, Topic, World

import queues

STATIC = Path(__file__).parents[2] / "src" / "penstock" / "web" / "static"
world = World(int(time.time() * 1000) - 200_000)
seen: dict[str, int] = {}
options: dict[str, Any] = {"demo": True, "empty": False, "stranger": False, "aborted": ""}
STRANGER = (
    "alice may not describe the cluster penstock",
    "an owner may grant it: penstock user allow alice describe cluster",
)


def no(status: int, error: str, remedy: str = "") -> JSONResponse:
    return JSONResponse({"error": error, "remedy": remedy, "place": ""}, status)


async def status(request: Request) -> Response:
    address = request.headers["host"]
    now = {
        "version": "0.1.0",
        "started_ms": world.started_ms,
        "now_ms": world.now_ms,
        "data_dir": "/home/you/my-app/.penstock",
    }
    processes = [{"name": name, "state": "up", "at_ms": world.now_ms} for name in ("broker", "web", "w0")]
    addresses = {"kafka": "127.0.0.1:9092", "http": f"http://{address}"}
    return JSONResponse({**now, "addresses": addresses, "processes": processes, "demo": options["demo"]})


def flow_now() -> dict[str, Any]:
    blank = {"at_ms": world.now_ms, "nodes": [], "edges": [], "troubles": []}
    return blank if options["empty"] else answers.flow(world)


async def flow_page(request: Request) -> Response:
    return no(403, *STRANGER) if options["stranger"] else JSONResponse(flow_now())


async def explained(request: Request) -> Response:
    if "sensr" in (await request.json())["script"]:
        wrong = {
            "error": "There is no column sensr in n.",
            "remedy": "did you mean `sensor`?",
            "place": "",
            "line": 15,
            "column": 81,
        }
        return JSONResponse(wrong, 400)
    return JSONResponse(answers.EXPLAINED)


async def flow_events(request: Request) -> Response:
    if options["stranger"]:
        return no(403, *STRANGER)

    async def events() -> AsyncIterator[str]:
        while not await request.is_disconnected():
            yield f"event: flow\nid: {world.now_ms}\ndata: {json.dumps(flow_now())}\n\n"
            await asyncio.sleep(1)

    return StreamingResponse(events(), media_type="text/event-stream")


async def topics(request: Request) -> Response:
    if request.method == "GET":
        return JSONResponse([answers.topic_row(t) for t in world.topics.values()])
    wish = await request.json()
    if wish["name"] in world.topics:
        return no(
            409,
            f"A topic named {wish['name']} exists already.",
            "Choose another name, or use the one that is there.",
        )
    world.topics[wish["name"]] = Topic(wish["name"], int(wish.get("partitions") or 1))
    return JSONResponse({"name": wish["name"]}, 201)


async def topic(request: Request) -> Response:
    name = request.path_params["topic"]
    if name not in world.topics:
        return no(404, f"There is no topic named {name}.", "Look at /topics for those that exist.")
    if request.method == "DELETE":
        del world.topics[name]
        return Response(status_code=204)
    return JSONResponse(answers.topic_page(world, world.topics[name]))


async def records(request: Request) -> Response:
    part = world.topics.get(request.path_params["topic"])
    if part is None:
        return no(404, "There is no such topic.")
    if request.method == "POST":
        wish = await request.json()
        sent = wish.get("records") or [wish]
        texts = [
            r["value"] if isinstance(r.get("value"), str | None) else json.dumps(r["value"]) for r in sent
        ]
        at = [{"key": r.get("key"), "value": text, "timestamp_ms": world.now_ms, "headers": list((r.get("headers") or {}).items())}
              for r, text in zip(sent, texts, strict=True)]  # fmt: skip
        return JSONResponse(
            {"offsets": [part.append(r, int(s.get("partition") or 0)) for r, s in zip(at, sent, strict=True)]}
        )
    query = request.query_params
    limit, start = int(query.get("limit", 50)), query.get("from", "end")
    chosen = [p for p in range(part.partitions) if query.get("partition") in (None, "", str(p))]
    every = [r for p in chosen for r in part.records[p]]
    if part.name == options["aborted"]:
        every = [r | {"state": "aborted"} if r["offset"] % 2 else r for r in every]
    both = query.get("isolation") == "read_uncommitted"
    kept = [r for r in every if both or r["state"] == "committed"]
    if query.get("offset"):
        kept = sorted((r for r in kept if r["offset"] >= int(query["offset"])), key=lambda r: r["offset"])[
            :limit
        ]
    elif start in ("start", "end"):
        kept = sorted(kept, key=lambda r: r["timestamp_ms"])
        kept = kept[:limit] if start == "start" else kept[-limit:]
    else:
        kept = sorted((r for r in kept if r["timestamp_ms"] >= int(start)), key=lambda r: r["timestamp_ms"])[
            :limit
        ]
    return JSONResponse(
        {"records": kept, "left_out": not both and any(r["state"] == "aborted" for r in every)}
    )


async def table_changes(request: Request) -> Response:
    part = world.tables.get(request.path_params["table"])
    if part is None:
        return no(404, "There is no such table.", "A table appears once a pipeline writes to it.")
    token = request.headers.get("last-event-id") or request.query_params.get("since") or ""
    return StreamingResponse(changes(request, part, token), media_type="text/event-stream")


async def changes(request: Request, part: Table, token: str) -> AsyncIterator[str]:
    at = int(token) if token.isdigit() else None
    too_old = at is not None and part.changes and at < part.changes[0][0] - 1
    if at is None or too_old or at > part.sequence:
        if at is not None:
            yield "event: reset\ndata: {}\n\n"
        at, rows = part.sequence, list(part.rows.values())
        for place in range(0, max(1, len(rows)), 50):
            data = {"rows": rows[place : place + 50], "done": place + 50 >= len(rows)}
            yield f"event: snapshot\nid: {at}\ndata: {json.dumps(data)}\n\n"
    while not await request.is_disconnected():
        for number, _, change in [c for c in part.changes if c[0] > at]:
            at = number
            yield f"event: change\nid: {number}\ndata: {json.dumps(change)}\n\n"
        await asyncio.sleep(0.1)


async def table(request: Request) -> Response:
    part = world.tables.get(request.path_params["table"])
    if part is None:
        return no(404, "There is no such table.")
    rows, order = list(part.rows.values()), request.query_params.get("order")
    if order:
        rows.sort(key=lambda r: r[order.lstrip("-")], reverse=order.startswith("-"))
    return JSONResponse(
        {
            "rows": rows[: int(request.query_params.get("limit", 100))],
            "total": len(rows),
            "token": str(part.sequence),
        }
    )


async def queue(request: Request) -> Response:
    told = queues.answer(request.scope["raw_path"], world.now_ms)
    return (
        no(404, "There is no such queue.", "Look at /queues for those that exist.")
        if told is None
        else JSONResponse(told)
    )


async def dead_letters(request: Request) -> Response:
    source, *rest = (
        unquote(part) for part in request.scope["raw_path"].decode().removeprefix("/api/dlq/").split("/")
    )
    source = unquote(source) if source.startswith("queue") else source
    if source not in letters.PLACES:
        return no(404, "There is no such place of dead letters.")
    if request.method == "POST":
        return JSONResponse(letters.dealt(source, rest[0]))
    if len(rest) == 2:
        told = letters.letter(source, rest[1], world.now_ms)
        return JSONResponse(told) if told else no(404, "There is no such letter.")
    if rest:
        return JSONResponse({"letters": letters.letters(source, world.now_ms)})
    return JSONResponse(letters.groups(source, world.now_ms))


async def demo_load(request: Request) -> Response:
    world.load_until_ms = world.now_ms + 1000 * int((await request.json()).get("seconds", 10))
    return JSONResponse({"load_until_ms": world.load_until_ms})


async def weather(request: Request) -> Response:
    if request.method == "POST":
        wish = await request.json()
        world.trouble = wish.get("trouble", world.trouble)
        options.update({k: v for k, v in wish.items() if k in options})
        seen.clear()
    return JSONResponse({"seen": seen})


async def bundle(request: Request) -> Response:
    path = (STATIC / request.path_params["path"]).resolve()
    return FileResponse(
        path if path.is_file() and path.is_relative_to(STATIC.resolve()) else STATIC / "index.html"
    )


def found(rows: list[dict[str, Any]], field: str, value: str) -> Response:
    match = [row for row in rows if row[field] == value]
    return JSONResponse(match[0]) if match else no(404, f"There is nothing named {value} here.")


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[None]:
    async def turn() -> None:
        while True:
            world.step(int(time.time() * 1000))
            await asyncio.sleep(0.1)

    task = asyncio.create_task(turn())
    yield
    task.cancel()


ROUTES = [
    Route("/api/status", status), Route("/api/flow", flow_page), Route("/api/flow/events", flow_events),
    Route("/api/topics", topics, methods=["GET", "POST"]), Route("/api/topics/{topic}", topic, methods=["GET", "DELETE"]),
    Route("/api/topics/{topic}/records", records, methods=["GET", "POST"]),
    Route("/api/pipelines", lambda r: JSONResponse(answers.pipelines(world))),
    Route("/api/pipelines/{name}", lambda r: found(answers.pipelines(world), "name", r.path_params["name"])),
    Route("/api/sql/explain", explained, methods=["POST"]),
    Route("/api/tables", lambda r: JSONResponse(answers.table_rows(world))),
    Route("/api/tables/{table}/changes", table_changes), Route("/api/tables/{table}", table),
    Route("/api/groups", lambda r: JSONResponse(answers.group_rows(world))),
    Route("/api/groups/{name}", lambda r: found(answers.group_rows(world), "group", r.path_params["name"])),
    Route("/api/queues", lambda r: JSONResponse(queues.rows(world.now_ms))),
    Route("/api/queues/{rest:path}", queue, methods=["GET", "POST"]),
    Route("/api/vhosts", lambda r: JSONResponse([{"name": "/"}, {"name": "shop"}])),
    Route("/api/dlq", lambda r: JSONResponse(letters.places(world.now_ms))),
    Route("/api/dlq/{rest:path}", dead_letters, methods=["GET", "POST"]),
    Route("/api/demo", lambda r: JSONResponse({"active": options["demo"], "sql_path": "/home/you/penstock-demo/pipelines/machine.sql",
                                               "load_until_ms": world.load_until_ms})),
    Route("/api/demo/load", demo_load, methods=["POST"]), Route("/mock", weather, methods=["GET", "POST"]),
    Route("/{path:path}", bundle),
]  # fmt: skip


class Counted:
    """Counts the requests by path before they are answered."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/api"):
            seen[scope["path"]] = seen.get(scope["path"], 0) + 1
        await self.app(scope, receive, send)


if __name__ == "__main__":
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--port", type=int, default=8090)
    flags.add_argument(
        "--no-demo", action="store_true", help="the plain home page instead of the demo's first screen"
    )
    chosen = flags.parse_args()
    options["demo"] = not chosen.no_demo
    app = Counted(Starlette(routes=ROUTES, lifespan=lifespan))
    uvicorn.run(app, host="127.0.0.1", port=chosen.port, log_level="warning", timeout_graceful_shutdown=1)
