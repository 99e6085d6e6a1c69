"""The part of the command line that comparisons share: how much, and what becomes of what was found."""

import argparse
import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.marks import fill

Report = dict[str, Any]


def parser(words: str | None) -> argparse.ArgumentParser:
    """The words that every comparison knows; `words` are its package's first lines."""
    made = argparse.ArgumentParser(description=words, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--short", action="store_true", help="each figure once, with little data")
    made.add_argument("--runs", type=int, help="of how many runs the median is taken")
    made.add_argument("--docs", action="store_true", help="put the tables into docs/benchmarks.md")
    made.add_argument("--table", type=Path, help="measure nothing: show an earlier run's file")
    return made


def show(
    given: argparse.Namespace, name: str, measure: Callable[[], Report], markdown: Callable[[Report], str]
) -> None:
    """Measure, or take what was measured; print it, and put it into the document where that is asked for."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # told to end, the servers are ended too
    text = markdown(json.loads(given.table.read_text()) if given.table else measure())
    print(text)
    if given.docs:
        fill(name, text)
