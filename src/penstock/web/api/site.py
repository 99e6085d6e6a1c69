"""What handlers reach: all that is followed, and what this server was told. Knows no resource."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from starlette.requests import Request

from penstock.web.flow.ticker import Ticker
from penstock.web.follow.watch import Watch
from penstock.web.http.events import Streams


@dataclass(frozen=True)
class Addresses:
    """Where the parts are reached."""

    kafka: str
    http: str


@dataclass
class Site:
    """One web process's parts."""

    watch: Watch
    ticker: Ticker
    streams: Streams
    addresses: Addresses
    static: Path
    data_dir: str = ""
    demo_sql: str = ""
    requests: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    request_s: Counter[str] = field(default_factory=Counter)


def site(request: Request) -> Site:
    """The site that a request came to."""
    found: Site = request.app.state.site
    return found
