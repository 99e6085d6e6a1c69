"""The HTTP API's resources, one file each; importing this package registers their routes."""

from penstock.web.api import (
    console,
    demo,
    explain,
    flow,
    groups,
    metrics,
    pipelines,
    records,
    status,
    tables,
    topics,
)

__all__ = [
    "console",
    "demo",
    "explain",
    "flow",
    "groups",
    "metrics",
    "pipelines",
    "records",
    "status",
    "tables",
    "topics",
]
