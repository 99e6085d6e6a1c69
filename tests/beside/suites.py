"""Clients' own test suites, as their authors wrote them: an environment of their own, one suite on one server, what became of it.

Knows neither which clients nor which servers. What is fetched stays under `.oracle/`, nothing of it is committed.
"""

import os
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

ORACLE: Final = Path(__file__).parents[2] / ".oracle"
ALONE: Final = ("-c", os.devnull, "--rootdir", ".")
"""pytest's words for a suite whose own settings are not wanted."""
Outcome = tuple[str, str]
"""`passed`, `failed` or `skipped`, and the reason of the latter two."""


def pip(*words: str) -> None:
    """Ours, for other environments as well. Raises CalledProcessError."""
    subprocess.run([sys.executable, "-m", "pip", *words], check=True)


def unpack(package: str, tests: str, folder: Path) -> None:
    """A folder of tests out of a package's source archive. Only it comes as source: what builds it need not be built."""
    alone = ("--no-binary", package.partition("==")[0], "--no-deps")
    with tempfile.TemporaryDirectory(prefix="archive-") as home:
        pip("download", "-q", *alone, "-d", home, package)
        (archive,) = Path(home).glob("*.tar.gz")
        with tarfile.open(archive) as opened:
            members = [one for one in opened.getmembers() if one.name.split("/")[1:2] == [tests]]
            for one in members:
                one.name = one.name.split("/", 1)[1]
            # Python 3.11.3 and older have no filters; the archives are the registry's.
            safely = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
            opened.extractall(folder, members, **safely)


@dataclass(frozen=True)
class Environment:
    """A Python with the clients and what their tests need; its pytest plugins are not ours."""

    name: str
    packages: tuple[str, ...]

    @property
    def python(self) -> Path:
        return ORACLE / self.name / "bin" / "python"

    def make(self) -> None:
        """Once; raises CalledProcessError where a package cannot be had."""
        ready, wanted = ORACLE / self.name / "ready", "\n".join(self.packages)
        if ready.exists() and ready.read_text() == wanted:
            return
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(ORACLE / self.name)], check=True)
        pip("--python", str(self.python), "install", "-q", *self.packages)
        ready.write_text(wanted)


@dataclass(frozen=True)
class Suite:
    """`paths` are given to pytest in the suite's folder, after `words`; `settings` are the server's, in the real one's words.

    `unpack` lays it out in a folder that is not there yet, `adapt` puts in what stands in for docker.
    """

    name: str
    environment: Environment
    paths: tuple[str, ...]
    variables: Callable[[str], dict[str, str]]
    unpack: Callable[[Path], None]
    adapt: Callable[[Path], object] = lambda folder: None
    settings: Mapping[str, str] = field(default_factory=dict)
    words: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        return ORACLE / "suites" / self.name

    def prepare(self) -> None:
        """Lay it out where it is not there yet; raises CalledProcessError where it cannot be had."""
        self.environment.make()
        if not self.folder.is_dir():
            self.unpack(self.folder)
        self.adapt(self.folder)

    def run(
        self, address: str, only: tuple[str, ...] = (), test_s: int = 120, whole_s: int = 3600
    ) -> dict[str, Outcome]:
        """Each test's outcome by its name. `only` are node ids; without, the whole suite runs."""
        self.prepare()
        with tempfile.TemporaryDirectory(prefix="suite-") as home:
            report = Path(home, "report.xml")
            words = [
                str(self.environment.python), "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=native",
                f"--timeout={test_s}", f"--junitxml={report}", *self.words, *(only or self.paths),
            ]  # fmt: skip
            bare = {"PYTHONPATH": "", "PYTHONDONTWRITEBYTECODE": "1"}
            ran = subprocess.run(
                words, cwd=self.folder, env={**os.environ, **self.variables(address), **bare}, timeout=whole_s,
                check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            )  # fmt: skip
            if not report.exists():
                raise RuntimeError(f"{self.name} did not run:\n{ran.stdout[-3000:]}\n{ran.stderr[-2000:]}")
            return outcomes(report)


def outcomes(report: Path) -> dict[str, Outcome]:
    """A junit report as outcomes by `module::Class::test`."""
    found: dict[str, Outcome] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        name = f"{case.get('classname', '')}::{case.get('name')}"
        bad = [case.find("failure"), case.find("error")]
        failure = next((each for each in bad if each is not None), None)
        skipped = case.find("skipped")
        if failure is not None:
            found[name] = ("failed", last_line(failure))
        elif skipped is not None:
            found[name] = ("skipped", skipped.get("message", ""))
        else:
            found.setdefault(name, ("passed", ""))
    return found


def last_line(failure: ElementTree.Element) -> str:
    """The error in one line."""
    lines = [line for line in (failure.text or "").splitlines() if line.strip() and not line.startswith(" ")]
    errors = [line for line in lines if re.match(r"[A-Za-z_.]*(Error|Exception|Failed|Exit)\b", line)]
    said = (errors or lines or [failure.get("message", "")])[-1]
    return " ".join(said.split())[:200]
