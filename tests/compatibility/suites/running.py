"""Runs one suite against one server and gives back what became of each test."""

import os
import re
import subprocess
import tempfile
from pathlib import Path
from xml.etree import ElementTree

from tests.compatibility.suites.sources import PYTHON, Suite, prepare

Outcome = tuple[str, str]
"""`passed`, `failed` or `skipped`, and the reason of the latter two."""


def run(
    suite: Suite, address: str, only: tuple[str, ...] = (), test_s: int = 120, whole_s: int = 3600
) -> dict[str, Outcome]:
    """Each test's outcome by its name. `only` are node ids; without, the whole suite runs."""
    prepare(suite)
    with tempfile.TemporaryDirectory(prefix="suite-") as home:
        report = Path(home, "report.xml")
        words = [str(PYTHON), "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:warnings", "--tb=native",
                 f"--timeout={test_s}", f"--junitxml={report}", *suite.words, *(only or suite.paths)]  # fmt: skip
        environment = {
            **os.environ,
            **suite.environment(address),
            "PYTHONPATH": "",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        ran = subprocess.run(
            words, cwd=suite.folder, env=environment, timeout=whole_s, check=False,
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
        )  # fmt: skip
        if not report.exists():
            raise RuntimeError(f"{suite.name} did not run:\n{ran.stdout[-3000:]}\n{ran.stderr[-2000:]}")
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
