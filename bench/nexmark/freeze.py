"""Freeze Flink's results: python -m bench.nexmark.freeze [--queries q0,q1] [--events 100000]

Fills a penstock broker of its own with the events, has Flink read them from there, query by query, and writes what
comes out to tests/nexmark/flink.json. A query that Flink refuses is written with its reason.
"""

import argparse
import json
from pathlib import Path

from bench.nexmark.filling import filled
from bench.nexmark.results import digest, flinks
from bench.nexmark.rivals.flink import side_input
from bench.nexmark.scripts import NAMES, Place
from bench.oracle import flink

GOLDENS = Path(__file__).parents[2] / "tests" / "nexmark" / "flink.json"
RATE = 1_000
"""Events a second of event time in what is frozen: a hundred seconds at 100,000 events, so that windows close."""
SIZES = (100_000, 1_000_000)


def main() -> None:
    """Run Flink and keep what it gave."""
    words = argparse.ArgumentParser(prog="python -m bench.nexmark.freeze", description=__doc__)
    words.add_argument("--queries", default=",".join(NAMES))
    words.add_argument("--events", type=int, default=SIZES[0])
    words.add_argument("--layout", default="three")
    given = words.parse_args()
    goldens = json.loads(GOLDENS.read_text()) if GOLDENS.exists() else {}
    found = goldens.setdefault(str(given.events), {})
    with (
        filled({"nexmark": given.events}, given.layout, RATE) as address,
        side_input() as side,
        flink.running() as sql,
    ):
        for name in given.queries.split(","):
            place = Place(address, given.layout, side_input=side, bounded=True)
            try:
                found[name] = digest(flinks(sql, name, place))
            except flink.FlinkError as error:
                found[name] = {"refused": str(error)[-400:]}
            print(name, {key: value for key, value in found[name].items() if key != "shown"}, flush=True)
            ordered = {n: found[n] for n in NAMES if n in found}
            GOLDENS.write_text(json.dumps(goldens | {str(given.events): ordered}, indent=1) + "\n")


if __name__ == "__main__":
    main()
