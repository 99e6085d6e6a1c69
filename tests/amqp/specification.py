"""The protocol's XML with RabbitMQ's extensions: out of the npm package `bramqp`, which carries it, fetched once.

It stays under `.oracle/`, nothing is committed.
"""

import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Final

PACKAGE: Final = "bramqp@0.6.1"
INSIDE: Final = "package/specification/rabbitmq/full/amqp0-9-1.stripped.extended.xml"
FILE: Final = Path(__file__).parents[2] / ".oracle" / PACKAGE / Path(INSIDE).name


def missing() -> str:
    """Why it cannot be had on this machine; empty where it can."""
    return "" if FILE.exists() or shutil.which("npm") else "no npm to fetch the protocol's XML with"


def specification() -> Path:
    """The file, fetched where it is not there yet. Raises CalledProcessError where npm cannot."""
    if not FILE.exists():
        with tempfile.TemporaryDirectory(prefix="npm-") as folder:
            words = ["npm", "pack", PACKAGE, "--silent", "--pack-destination", folder]
            subprocess.run(words, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            (archive,) = Path(folder).glob("*.tgz")
            with tarfile.open(archive) as opened:
                found = opened.extractfile(INSIDE)
                assert found is not None
                coming = FILE.with_suffix(f".coming{os.getpid()}")
                coming.parent.mkdir(parents=True, exist_ok=True)
                coming.write_bytes(found.read())
        coming.rename(FILE)  # whole or not at all, whoever fetches it beside us
    return FILE
