"""Whether the other engines compute what penstock does: python -m bench.nexmark.agree [--engines quix,bytewax,pathway]

Each runs its queries over the same events, with a file where the benchmark has a black hole; its rows must be penstock's. Some
leave windows open at the end that penstock closes: only rows of those may be missing, and it is told how many.
"""

import argparse
import json
import tempfile
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.nexmark.filling import filled
from bench.nexmark.freeze import RATE
from bench.nexmark.generator import Settings
from bench.nexmark.results import Result, ours, settled
from bench.nexmark.rivals.others import OTHERS, WINDOWED, Other
from bench.nexmark.scripts import Place

OPEN = timedelta(seconds=30)
"""A window that ends so near to the end of the events may be open: twice a session's gap and the lateness allowed."""
FORM = "%Y-%m-%d %H:%M:%S.%f"
WIDTH = {"q11": 2}
"""Of q11 only bidders and counts are compared: the engines disagree on where a session ends."""


def main() -> None:
    """Run them, print a line each, and fail where one differs."""
    words = argparse.ArgumentParser(prog="python -m bench.nexmark.agree", description=__doc__)
    words.add_argument("--engines", default=",".join(OTHERS))
    words.add_argument("--queries", default="")
    words.add_argument("--events", type=int, default=100_000)
    given = words.parse_args()
    settings, wrong = Settings(rate=RATE), 0
    with filled({"nexmark": given.events}, "three", RATE) as address:
        for other in (OTHERS[name] for name in given.engines.split(",")):
            for query in given.queries.split(",") if given.queries else other.queries:
                found, wanted = theirs(other, query, address), ours(query, given.events, settings)
                differs, told = compared(query, found, wanted, settings, given.events)
                wrong += differs
                print(f"{other.name:12} {query:9} {told}", flush=True)
    if wrong:
        raise SystemExit(f"{wrong} differ")


def theirs(other: Other, query: str, address: str) -> Result:
    """What is left when all changes it wrote are applied."""
    with tempfile.NamedTemporaryFile("r", suffix=".jsonl") as file:
        other.run(query, Place(address), file.name)
        return settled(change(json.loads(line)) for line in file)


def change(line: list[Any] | dict[str, Any]) -> list[Any]:
    """A row with its kind, as penstock's results have it: from a list of it, or one of Pathway's objects."""
    if isinstance(line, list):
        kind, *values = line
    else:
        kind = "+I" if line.pop("diff") > 0 else "-D"
        del line["time"]
        values = [*line.values()]
    return [kind, *map(_plain, values)]


def _plain(value: object) -> object:
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, str) and value[10:11] in ("T", " ") and value[4:5] == "-" and value[13:14] == ":":
        return value.replace("T", " ")[:26].ljust(26, "0")
    return value


def compared(query: str, found: Result, wanted: Result, settings: Settings, events: int) -> tuple[bool, str]:
    """Whether they differ, and a word on it."""
    last = datetime.fromtimestamp(settings.start_ms / 1000 + events / settings.rate, UTC)
    limit = (last - OPEN).strftime(FORM)
    closed: Result = Counter()
    whole: Result = Counter()
    for row, count in wanted.items():
        short = row[: WIDTH.get(query)]
        whole[short] += count
        if query not in WINDOWED or row[-1] <= limit:
            closed[short] += count
    extra, missing = found - whole, closed - found
    told = f"{found.total():,} of {whole.total():,} rows"
    if extra or missing:
        return (
            True,
            f"{told}; not ours: {extra.total():,} {[*extra][:2]}; missing: {missing.total():,} {[*missing][:2]}",
        )
    return False, told + ("" if found == whole else ": the others' windows are open")


if __name__ == "__main__":
    main()
