"""The worker process.

    python -m penstock.work --bootstrap 127.0.0.1:9092 --name w0 --paths pipelines

Says ``ready jobs=N`` on standard output; stops with its supervisor's pipe, or on SIGTERM, with everything committed.
"""

import argparse
import dataclasses
import sys

import uvloop

from penstock.allocator import keep_freed_memory
from penstock.errors import PenstockError
from penstock.lifeline import until_told
from penstock.options import add_flags, help_texts, read
from penstock.work.options import WorkOptions
from penstock.work.worker import Worker


def main(arguments: list[str] | None = None) -> int:
    """The process's entrance; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m penstock.work", description="host pipelines")
    add_flags(parser, WorkOptions, skip=("paths",))
    parser.add_argument("--paths", nargs="+", metavar="PATH", help=help_texts(WorkOptions)["paths"])
    keep_freed_memory()
    given = vars(parser.parse_args(arguments))
    paths = tuple(given.pop("paths") or WorkOptions.paths)
    try:
        options = dataclasses.replace(read(WorkOptions, "work", given), paths=paths)
        uvloop.run(_run(options))
    except PenstockError as error:
        print(f"penstock: {error}", file=sys.stderr)
        return 2
    return 0


async def _run(options: WorkOptions) -> None:
    await Worker(options).run(until_told())


if __name__ == "__main__":
    sys.exit(main())
