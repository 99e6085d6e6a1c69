"""penstock: the real-time stack in one command.

``from penstock import App, col, fn`` is the Python API for pipelines, ``Client`` the Kafka client in whole batches,
``consume`` and ``Retry`` consumers that try again.
"""

import importlib
from typing import TYPE_CHECKING, Any

from penstock.version import __version__

if TYPE_CHECKING:
    from penstock.app.pipelines import App
    from penstock.client import Client
    from penstock.consumer.consumer import consume
    from penstock.dsl import col, fn, left, now, right
    from penstock.retries import Retry

__all__ = ["App", "Client", "Retry", "__version__", "col", "consume", "fn", "left", "now", "right"]

_HOMES = {
    "App": "penstock.app.pipelines",
    "col": "penstock.dsl",
    "fn": "penstock.dsl",
    "left": "penstock.dsl",
    "now": "penstock.dsl",
    "right": "penstock.dsl",
    "Client": "penstock.client",
    "Retry": "penstock.retries",
    "consume": "penstock.consumer.consumer",
}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first asked for: the broker process must not import polars to be `penstock`."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
