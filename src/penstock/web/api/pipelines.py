"""GET /api/pipelines: what workers report of their jobs, with rates."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from penstock.web.api.site import site
from penstock.web.flow.graph import job_status
from penstock.web.follow.jobs import Job
from penstock.web.http.access import ANYONE, Need, may
from penstock.web.http.answers import HttpError, ok
from penstock.web.http.inputs import known
from penstock.web.http.routes import route


@route("GET", "/api/pipelines", ANYONE)
async def pipelines(request: Request) -> Response:
    """All jobs, by name."""
    known(request)
    watch = site(request).watch
    found = sorted(watch.jobs.jobs.items())
    return ok(
        [_job(job, watch.wall_ms()) for name, job in found if may(request, "describe", "pipeline", name)]
    )


@route("GET", "/api/pipelines/{name}", Need("describe", "pipeline", "name"))
async def pipeline(request: Request) -> Response:
    """One job."""
    known(request)
    watch, name = site(request).watch, request.path_params["name"]
    if name not in watch.jobs.jobs:
        seen = (each for each in sorted(watch.jobs.jobs) if may(request, "describe", "pipeline", each))
        there = ", ".join(seen) or "none yet"
        raise HttpError(
            404, f"there is no pipeline {name[:80]!r}", remedy=f"pipelines: {there}", place="path"
        )
    return ok(_job(watch.jobs.jobs[name], watch.wall_ms()))


def _job(job: Job, now_ms: int) -> dict[str, Any]:
    """The report as it came, and what can be told from several."""
    return {
        **job.raw,
        "rate_in": round(job.rows_in.rate, 2),
        "rate_out": round(job.rows_out.rate, 2),
        "spark": job.rows_in.spark,
        "status": job_status(job, now_ms),
        "inputs": [
            {**each, "rate": round(job.way(f"in:{each.get('table')}"), 2)}
            for each in job.raw.get("inputs", [])
        ],
        "outputs": [
            {
                **each,
                "rate": round(job.way(f"out:{each.get('table')}"), 2),
                "busy": busy(job, f"sink:{number}"),
            }
            for number, each in enumerate(job.raw.get("outputs", []))
        ],
        "operators": [
            {
                **each,
                "rate_in": round(job.way(f"op:{number}:in"), 2),
                "rate_out": round(job.way(f"op:{number}:out"), 2),
                "busy": busy(job, f"op:{number}"),
            }
            for number, each in enumerate(job.raw.get("operators", []))
        ],
    }


def busy(job: Job, worker: str) -> float:
    """Which part of the last seconds it was at work, from 0 to 1."""
    return round(min(1.0, job.way(f"{worker}:busy")), 4)
