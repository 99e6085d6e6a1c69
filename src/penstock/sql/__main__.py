"""Explains the script on standard input: `{"written", "running"}` on standard output, or what is wrong with it.

A process of its own, for scripts from the network: compiling one takes memory and time, and both end with it.

python -m penstock.sql < pipeline.sql
"""

import json
import resource
import sys

from penstock.errors import PenstockError
from penstock.sql.execution import Explained
from penstock.sql.script import parse

CPU_S = 20
SCRIPT_CHARS_MAX = 256 * 1024


def answer(script: str) -> dict[str, object]:
    """What is to be said of a script."""
    try:
        return vars(Explained.of(parse(script, explaining=True)))
    except PenstockError as error:
        said = {"error": error.message, "remedy": error.remedy, "place": error.place}
        return {**said, "line": error.line, "column": error.column}


def main() -> None:
    """One script, one answer."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    print(json.dumps(answer(sys.stdin.read(SCRIPT_CHARS_MAX))))


if __name__ == "__main__":
    main()
