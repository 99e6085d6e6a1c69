"""GET /api/status and /healthz: what runs, and where."""

from starlette.requests import Request
from starlette.responses import Response

from penstock.version import __version__
from penstock.web.api.site import Site, site
from penstock.web.follow.jobs import STALE_MS
from penstock.web.http.access import ANYONE
from penstock.web.http.answers import ok
from penstock.web.http.inputs import known
from penstock.web.http.routes import route


@route("GET", "/api/status", ANYONE)
async def status(request: Request) -> Response:
    """Version, addresses and processes."""
    known(request)
    at = site(request)
    return ok(
        {
            "version": __version__,
            "started_ms": at.watch.started_ms,
            "now_ms": at.watch.wall_ms(),
            "data_dir": at.data_dir,
            "addresses": {
                "kafka": at.addresses.kafka,
                "http": at.addresses.http,
                "amqp": str(at.amqp or ""),
            },
            "processes": processes(at),
            "demo": bool(at.demo_sql),
        }
    )


@route("GET", "/healthz", ANYONE)
async def health(request: Request) -> Response:
    """Whether this process answers."""
    return ok({"ok": True})


def processes(at: Site) -> list[dict[str, object]]:
    """The broker, this process, and the workers that reports speak of."""
    watch, now_ms = at.watch, at.watch.wall_ms()
    found: list[dict[str, object]] = [
        {"name": "broker", "state": "up" if watch.broker_up else "down", "at_ms": watch.topics.seen_ms},
        {"name": "web", "state": "up", "at_ms": now_ms},
    ]
    heard: dict[str, int] = {}
    for job in watch.jobs.jobs.values():
        if job.report.worker:
            heard[job.report.worker] = max(heard.get(job.report.worker, 0), job.report.at_ms)
    for name, at_ms in sorted(heard.items()):
        found.append({"name": name, "state": "up" if now_ms - at_ms <= STALE_MS else "down", "at_ms": at_ms})
    return found
