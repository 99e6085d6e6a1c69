"""Check that this machine can run penstock well: Python, ports, disk, console, clients; each with its remedy.

    penstock doctor
    penstock doctor my-app --json

Exits with 1 where something would keep penstock from running.
"""

import argparse
import contextlib
import fcntl
import importlib.metadata
import importlib.util
import os
import platform
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from penstock.app.addresses import is_free, parse_address, taken
from penstock.app.project import UpOptions, open_project, options_of
from penstock.cli.output import show, size_text
from penstock.errors import PenstockError

SPACE_LEAST, SPACE_LITTLE = 1_000_000_000, 10_000_000_000
SYNC_SLOW_S = 0.020
SYNCS = 20
FILES_FEW = 4096
TESTED = {"confluent-kafka": (2, 6), "aiokafka": (0, 12), "kafka-python": (2, 2)}
"""Python's Kafka clients, and the oldest release that the tests run with."""
NODE_LEAST = (20, 19)


@dataclass(frozen=True)
class Finding:
    """What one check found. `state` is ok, warn (runs, but…) or fail."""

    check: str
    state: str
    found: str
    remedy: str = ""


@dataclass(frozen=True)
class Site:
    """What is to be looked at: the settings as `penstock up` would read them, and where the data lies."""

    settings: UpOptions
    data: Path

    @property
    def there(self) -> Path:
        """The data directory, or the nearest folder above that exists already."""
        return next(path for path in (self.data, *self.data.parents) if path.is_dir())

    def running(self) -> bool:
        """Whether a penstock has the data directory open."""
        try:
            with (self.data / ".lock").open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
                return False
        except BlockingIOError:
            return True
        except OSError:
            return False


def arguments(parser: argparse.ArgumentParser) -> None:
    """The project whose settings count."""
    parser.add_argument(
        "folder", nargs="?", type=Path, default=Path(), metavar="DIR", help="the project (default: here)"
    )


def python(site: Site) -> Iterator[Finding]:
    """The interpreter, and that it is the usual one: penstock's kernels are made for CPython."""
    version, kind = platform.python_version(), platform.python_implementation()
    if kind != "CPython" or sys.version_info < (3, 11):
        yield Finding("python", "fail", f"{kind} {version}", "install CPython 3.11 or newer")
    else:
        yield Finding("python", "ok", f"{kind} {version} on {platform.system()} {platform.machine()}")


def ports(site: Site) -> Iterator[Finding]:
    """The addresses to listen on: free, or held by this very project."""
    for name in ("kafka", "amqp", "http"):
        try:
            address = parse_address(getattr(site.settings, name), f"--{name}")
            if address is None:
                yield Finding(f"{name} port", "ok", "switched off")
            elif address.port == 0 or is_free(address):
                yield Finding(f"{name} port", "ok", f"{address} is free")
            elif site.running():
                yield Finding(f"{name} port", "ok", f"{address} is in use, and penstock runs here")
            else:
                raise taken(address, f"--{name}")
        except PenstockError as error:
            yield Finding(f"{name} port", "fail", error.message, error.remedy)


def data_dir(site: Site) -> Iterator[Finding]:
    """The data directory: there or to be made, and ours to write."""
    if site.data.exists() and not site.data.is_dir():
        yield Finding("data", "fail", f"{site.data} is a file", "choose another: --data-dir DIR")
    elif not os.access(site.there, os.W_OK | os.X_OK):
        yield Finding("data", "fail", f"{site.there} cannot be written", "choose another: --data-dir DIR")
    else:
        state = (
            "open in a running penstock"
            if site.running()
            else "ready"
            if site.data.is_dir()
            else "will be made"
        )
        yield Finding("data", "ok", f"{site.data}: {state}")


def disk_space(site: Site) -> Iterator[Finding]:
    """Room for the log: a full disk refuses writes."""
    usage = shutil.disk_usage(site.there)
    state = "fail" if usage.free < SPACE_LEAST else "warn" if usage.free < SPACE_LITTLE else "ok"
    remedy = (
        "free some, keep less (retention.ms, retention.bytes), or use --data-dir" if state != "ok" else ""
    )
    yield Finding("disk space", state, f"{size_text(usage.free)} free of {size_text(usage.total)}", remedy)


def sync_time(site: Site) -> Iterator[Finding]:
    """How long the disk takes to make a write last: what every acks=all waits for."""
    times = []
    try:
        with tempfile.TemporaryFile(dir=site.there) as file:
            for _ in range(SYNCS):
                file.write(bytes(4096))
                file.flush()
                began_s = time.perf_counter()
                os.fsync(file.fileno())
                times.append(time.perf_counter() - began_s)
    except OSError as error:
        yield Finding(
            "disk sync", "fail", f"cannot write there: {error.strerror}", "choose another: --data-dir DIR"
        )
        return
    middle_s, worst_s = statistics.median(times), max(times)
    slow = middle_s > SYNC_SLOW_S
    remedy = "use a faster disk, or --fsync interval where the last second may be lost" if slow else ""
    found = f"{middle_s * 1000:.1f} ms, the worst of {SYNCS} {worst_s * 1000:.1f} ms"
    yield Finding("disk sync", "warn" if slow else "ok", found, remedy)


def open_files(site: Site) -> Iterator[Finding]:
    """How many files and connections one process may hold."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    few = soft < FILES_FEW
    remedy = f"ulimit -n {65_536 if hard > 65_536 else hard}" if few else ""
    yield Finding("open files", "warn" if few else "ok", f"at most {soft:,} a process", remedy)


def console(site: Site) -> Iterator[Finding]:
    """The console's bundle, and where it is missing the Node that would build it."""
    spec = importlib.util.find_spec("penstock.web")
    places = spec.submodule_search_locations if spec else None
    if places and (Path(places[0]) / "static" / "index.html").exists():
        yield Finding("console", "ok", "built")
        return
    node = _node()
    remedy = "install penstock again from source: pip builds the console"
    if node is not None and node < NODE_LEAST:
        remedy += f"; Node {'.'.join(map(str, node))} is too old, take it off the path or install 22"
    yield Finding("console", "warn", "not built: the API runs, the pages do not", remedy)


def _node() -> tuple[int, ...] | None:
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        said = subprocess.run(
            ["node", "--version"], capture_output=True, text=True, check=True, timeout=10
        ).stdout
        return _numbers(said)
    return None


def clients(site: Site) -> Iterator[Finding]:
    """Kafka clients in this Python: as new as those the tests run with."""
    for name, least in TESTED.items():
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        old = _numbers(version) < least
        wanted = ".".join(map(str, least))
        remedy = f"pip install '{name}>={wanted}': older ones are not tested" if old else ""
        yield Finding(name, "warn" if old else "ok", version, remedy)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])


CHECKS: tuple[Callable[[Site], Iterator[Finding]], ...] = (
    python, ports, data_dir, disk_space, sync_time, open_files, console, clients,
)  # fmt: skip


def run(given: argparse.Namespace) -> int:
    """Check everything; 1 where something fails."""
    project = open_project(given.folder.resolve())
    settings = options_of(project, {})[0]
    site = Site(settings, (project.folder / settings.data_dir).resolve())
    findings = [finding for check in CHECKS for finding in check(site)]
    if given.json:
        show([asdict(finding) for finding in findings], (), given)
    else:
        show([asdict(finding) for finding in findings], ("state", "check", "found"), given)
        for finding in findings:
            if finding.remedy:
                print(f"\n{finding.check}: {finding.remedy}")
    return 1 if any(finding.state == "fail" for finding in findings) else 0
