"""The Kafka protocol: messages as kio describes them, one file an API, sans-IO."""

import sys
from importlib import import_module


def _load_kio() -> None:
    """Load the part of kio that loads hypothesis where that is installed, as if it were not.

    It wants it for tests of its own alone; it would cost each start of a process a quarter of a second.
    """
    if "hypothesis" in sys.modules:
        return
    sys.modules["hypothesis"] = None  # type: ignore[assignment]  # what an import of it then meets: ImportError
    try:
        import_module("kio.static._phantom")
    finally:
        del sys.modules["hypothesis"]


_load_kio()
