"""Where kombu's and aio-pika's tests come from, and how they run without docker: both are in the source archives on PyPI.

They stay under `.oracle/`, nothing is committed. They have an environment of their own: their pytest plugins are not ours.
"""

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.compatibility.suites.running import Outcome, outcomes

HERE: Final = Path(__file__).parent
ORACLE: Final = HERE.parents[2] / ".oracle"
SUITES: Final = ORACLE / "suites"
PYTHON: Final = ORACLE / "amqp-venv" / "bin" / "python"
PACKAGES: Final = (
    "aio-pika==10.2.1", "kombu==5.7.0", "aiomisc-pytest", "pytest", "pytest-timeout", "shortuuid", "timeout-decorator", "hypothesis",
    "msgpack", "PyYAML", "pytest-xdist",
)  # fmt: skip


@dataclass(frozen=True)
class Suite:
    """`archive` is the folder within; `words` are pytest's."""

    package: str
    version: str
    tests: str
    words: tuple[str, ...]
    environment: Callable[[str], dict[str, str]]

    @property
    def folder(self) -> Path:
        return SUITES / self.package


KOMBU: Final = Suite(
    "kombu", "5.7.0", "t", ("-p", "no:xdist", "-p", "no:warnings", "-o", "python_classes=test_*", "t/integration/test_py_amqp.py"),
    lambda address: {
        "RABBITMQ_HOST": address.rpartition(":")[0], "RABBITMQ_5672_TCP": address.rpartition(":")[2], "TOX_ENV_NAME": "amqp",
    },
)  # fmt: skip
AIO_PIKA: Final = Suite(
    "aio-pika", "10.2.1", "tests", ("-p", "no:asyncio", "--ignore=tests/test_amqps.py", "tests"),
    lambda address: {"RABBITMQ_ADDRESS": address},
)  # fmt: skip
"""Left out are its tests over TLS, which are the others once more and want docker's certificates."""
SOURCES: Final = (KOMBU, AIO_PIKA)


def make_environment() -> None:
    """The environment with the clients and what their tests need, once."""
    home = PYTHON.parent.parent
    ready, wanted = home / "ready", "\n".join(PACKAGES)
    if ready.exists() and ready.read_text() == wanted:
        return
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
    subprocess.run([str(PYTHON), "-m", "pip", "install", "-q", *PACKAGES], check=True)
    ready.write_text(wanted)


def prepare(suite: Suite) -> None:
    """Lay the suite out where it is not there yet; raises CalledProcessError where it cannot be had."""
    make_environment()
    if not suite.folder.is_dir():
        with tempfile.TemporaryDirectory(prefix="archive-") as home:
            # Only this package comes as source: its build's own tools need not be built.
            words = [
                "download",
                "-q",
                "--no-binary",
                suite.package,
                "--no-deps",
                "-d",
                home,
                f"{suite.package}=={suite.version}",
            ]
            subprocess.run([str(PYTHON), "-m", "pip", *words], check=True)
            (archive,) = Path(home).glob("*.tar.gz")
            with tarfile.open(archive) as opened:
                tests = [one for one in opened.getmembers() if one.name.split("/")[1:2] == [suite.tests]]
                for one in tests:
                    one.name = one.name.split("/", 1)[1]
                opened.extractall(suite.folder, tests, filter="data")
    if suite is AIO_PIKA:
        shutil.copy(HERE / "docker_stand_in.py", suite.folder / "tests" / "docker_client.py")


def run(
    suite: Suite, address: str, only: tuple[str, ...] = (), test_s: int = 60, whole_s: int = 1800
) -> dict[str, Outcome]:
    """Each test's outcome by its name. `only` are node ids, instead of the suite's own words for which; without, all run."""
    prepare(suite)
    with tempfile.TemporaryDirectory(prefix="suite-") as home:
        report = Path(home, "report.xml")
        words = [
            str(PYTHON), "-m", "pytest", "-q", "-c", os.devnull, "--rootdir", ".", "-p", "no:cacheprovider", "--tb=native",
            f"--timeout={test_s}", f"--junitxml={report}", *(suite.words[:-1] if only else suite.words), *only,
        ]  # fmt: skip
        ran = subprocess.run(
            words, cwd=suite.folder, timeout=whole_s, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            env={**os.environ, **suite.environment(address), "PYTHONPATH": "", "PYTHONDONTWRITEBYTECODE": "1"},
        )  # fmt: skip
        if not report.exists():
            raise RuntimeError(f"{suite.package} did not run:\n{ran.stdout[-3000:]}\n{ran.stderr[-2000:]}")
        return outcomes(report)
