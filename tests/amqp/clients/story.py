"""One story, told by programs in other languages: what each chapter has to say, and how the programs are run.

Confirmed publishes, a mandatory one that is returned, a consumer that acknowledges, gives back and rejects, the dead letter,
a direct reply, a refusal, and a consumer whose queue goes.
"""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).parent
ORACLE: Final = HERE.parents[2] / ".oracle"
AMQPLIB: Final = "amqplib@2.3.1"
JAVA_CLIENT: Final = "5.22.0"
POM: Final = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion><groupId>penstock.tests</groupId><artifactId>amqp</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies><dependency><groupId>com.rabbitmq</groupId><artifactId>amqp-client</artifactId><version>{version}</version></dependency></dependencies>
</project>
"""


def expected(prefix: str) -> list[list[Any]]:
    """The chapters as a good broker makes them."""
    return [
        ["confirmed", 100],
        ["returned", [312, "NO_ROUTE"]],
        ["consumed", [100, 100, [7]]],
        ["dead", ["order 9", "rejected", f"{prefix}.orders", 1, ["orders.9"]]],
        ["replied", ["42", "c1"]],
        ["refused", 404],
        ["told", True],
        ["closed", True],
    ]


@dataclass(frozen=True)
class Teller:
    """A client and its program. `missing` says why it cannot run here, or nothing."""

    name: str
    command: Callable[[str], list[str]]
    missing: Callable[[], str]

    def tell(self, address: str) -> list[Any]:
        """The chapters; raises AssertionError with what the program said where it failed."""
        ran = subprocess.run(
            self.command(address),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return [json.loads(line) for line in ran.stdout.splitlines()]


def node(address: str) -> list[str]:
    """Fetches the client once, as its users do."""
    folder = ORACLE / "node"
    module = folder / "node_modules" / "amqplib"
    if not module.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        words = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), AMQPLIB]
        subprocess.run(words, check=True, stdin=subprocess.DEVNULL)
    return ["node", str(HERE / "amqplib_story.cjs"), str(module), address]


def java(address: str) -> list[str]:
    """Fetches the jars once."""
    jars = ORACLE / f"amqp-client-{JAVA_CLIENT}"
    if not jars.is_dir():
        with tempfile.TemporaryDirectory(prefix="pom-") as home:
            pom = Path(home, "pom.xml")
            pom.write_text(POM.format(version=JAVA_CLIENT))
            words = [
                "mvn",
                "-q",
                "-B",
                "-f",
                str(pom),
                "dependency:copy-dependencies",
                f"-DoutputDirectory={home}/jars",
            ]
            subprocess.run(words, check=True, stdin=subprocess.DEVNULL)
            shutil.copytree(Path(home, "jars"), jars, dirs_exist_ok=True)
    return ["java", "-Xmx256m", "-cp", f"{jars}/*", str(HERE / "AmqpStory.java"), address]


def wants(*programs: str) -> Callable[[], str]:
    """What is not on this machine."""
    return lambda: ", ".join(f"no {one}" for one in programs if shutil.which(one) is None)


TELLERS: Final = (
    Teller("node", node, wants("node", "npm")),
    Teller("java", java, wants("java", "javac", "mvn")),
)
