"""Nexmark, side by side: what a million events cost penstock's worker and other engines, from the same topics.

    python -m bench.nexmark --queries q0,q1 --events 1000000 --repeat 3
    python -m bench.nexmark --engines flink --backends hashmap,rocksdb --every "10 s,1 s" --queries q4,q9
    python -m bench.nexmark --engines penstock,flink --format avro
    python -m bench.nexmark --engines penstock,quix,bytewax,pathway
    python -m bench.nexmark --table FILE FILE … --docs         # all runs of some files together, into the document

Method. A penstock broker (its CPU counts on neither side) holds each event twice: `nexmark`, with all events, and
`warm`, with the first few. Every run reads one of them from its first record to its last into a black hole. A figure is
the difference of the median runs over `nexmark` and over `warm`, over the difference of their sizes: start-up, planning
and compiling are in both. The engines take turns, query by query. CPU is that of the engine's
whole process. Flink's JVM runs the query once over everything before it counts. penstock and Flink keep state exactly once:
penstock commits as it does by default (at most every second), Flink's checkpoints come every `--every`. Quix Streams, Bytewax
and Pathway (`rivals/others.py`) run the queries that they can express; those that would take them minutes over fewer events.
"""

import argparse
import json
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from bench.__main__ import OUT, machine
from bench.marks import fill
from bench.nexmark import table
from bench.nexmark.filling import filled
from bench.nexmark.generator import BLOCK, Settings
from bench.nexmark.rivals import Cost, Rival
from bench.nexmark.rivals.flink import rival as flink
from bench.nexmark.rivals.others import OTHERS, Other, missing
from bench.nexmark.rivals.penstock import Worker
from bench.nexmark.scripts import FORMATS, KINDS, NAMES, Place

WARM = BLOCK
FEWER = 4 * BLOCK
"""Events for what is too slow for more."""
GRAIN_S = 0.02
"""A difference of two processes' CPU seconds is no finer: q3 and q8 read but 8 % of the events, which costs little more."""
Figures = dict[str, object]


def main() -> None:
    """Measure, print the table, and write the figures to bench/out/nexmark.json."""
    given = _words().parse_args()
    if given.table:
        _show(given)
        return
    if set(given.engines.split(",")) & OTHERS.keys() and (reason := missing()):
        raise SystemExit(reason)
    found: Figures = {
        "at": time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime()), "machine": machine(),
        "settings": {key: value for key, value in vars(given).items() if key not in ("table", "out")}, "queries": {},
    }  # fmt: skip
    given.out.parent.mkdir(exist_ok=True)
    sizes = {"warm": WARM, "fewer": FEWER, "nexmark": given.events}
    with filled(sizes, given.layout, given.rate, given.format) as address:
        for name in given.queries.split(","):
            found["queries"] |= {name: _measured(name, address, given)}  # type: ignore[operator]
            given.out.write_text(json.dumps(found, indent=2) + "\n")
            print(row(name, found["queries"][name]), flush=True)  # type: ignore[index]
    print(f"written to {given.out}")
    if given.docs:
        given.table = [given.out]
        _show(given)


def _show(given: argparse.Namespace) -> None:
    """The tables of what some files hold; with `--docs` into the document, too."""
    text = table.markdown([json.loads(file.read_text()) for file in given.table])
    print(text)
    if given.docs:
        fill("nexmark", text)


def _words() -> argparse.ArgumentParser:
    words = argparse.ArgumentParser(prog="python -m bench.nexmark", description=__doc__)
    words.formatter_class = argparse.RawDescriptionHelpFormatter
    words.add_argument("--queries", default=",".join(name for name in NAMES if KINDS[name].flink))
    words.add_argument("--events", type=int, default=1_000_000)
    words.add_argument("--docs", action="store_true", help="put the tables into docs/benchmarks.md")
    words.add_argument(
        "--table", type=Path, nargs="+", help="measure nothing: show these files, all runs together"
    )
    words.add_argument("--out", type=Path, default=OUT / "nexmark.json")
    words.add_argument("--repeat", type=int, default=3)
    words.add_argument("--layout", choices=("one", "three"), default="three")
    words.add_argument("--format", choices=FORMATS, default="json")
    words.add_argument("--rate", type=int, default=Settings.rate, help="events a second of event time")
    words.add_argument(
        "--engines", default="penstock,flink", help=f"some of: penstock, flink, {', '.join(OTHERS)}"
    )
    words.add_argument("--backends", default="hashmap", help="Flink's: hashmap, rocksdb, or both")
    words.add_argument(
        "--every", default="10 s", help="between Flink's checkpoints: 10 s, 1 s, or both with a comma"
    )
    return words


def _measured(name: str, address: str, given: argparse.Namespace) -> Figures:
    """A query's figures by engine."""
    with ExitStack() as stack:
        rivals = {rival.name: rival for rival in _rivals(name, given, stack)}
        costs: dict[str, list[tuple[Cost, Cost]]] = {engine: [] for engine in rivals}
        wholes = {engine: _whole(rival, name) for engine, rival in rivals.items()}
        for engine, rival in rivals.items():
            if rival.lasts:
                rival.run(name, _place(address, wholes[engine], given))
        for _ in range(given.repeat):
            for engine, rival in rivals.items():
                small = rival.run(name, _place(address, "warm", given))
                costs[engine].append((small, rival.run(name, _place(address, wholes[engine], given))))
        sizes = {"fewer": FEWER, "nexmark": given.events}
        return {engine: _figures(pairs, sizes[wholes[engine]]) for engine, pairs in costs.items()}


def _place(address: str, topic: str, given: argparse.Namespace) -> Place:
    return Place(address, given.layout, topic=topic, form=given.format)


def _whole(rival: Rival, query: str) -> str:
    return "fewer" if isinstance(rival, Other) and query in rival.slow else "nexmark"


def _rivals(name: str, given: argparse.Namespace, stack: ExitStack) -> Iterator[Rival]:
    wanted = given.engines.split(",")
    if "penstock" in wanted and not KINDS[name].needs:
        yield Worker()
    if "flink" in wanted and KINDS[name].flink:
        for backend in given.backends.split(","):
            for every in given.every.split(","):
                yield stack.enter_context(flink(backend, every.strip(), given.format))
    for other in OTHERS:
        if other in wanted and name in OTHERS[other].queries and given.format == "json":
            yield OTHERS[other]


def _figures(pairs: list[tuple[Cost, Cost]], events: int) -> dict[str, object]:
    millions = (events - WARM) / 1e6
    # A start takes a third of a second more or less each time: the one in the middle is taken from all runs.
    start_cpu_s = statistics.median(small.cpu_s for small, _ in pairs)
    start_s = statistics.median(small.wall_s for small, _ in pairs)
    cpu = [max(GRAIN_S, large.cpu_s - start_cpu_s) / millions for _, large in pairs]
    wall = [(large.wall_s - start_s) / millions for _, large in pairs]
    return {
        "cpu_s_per_million": round(statistics.median(cpu), 3),
        "wall_s_per_million": round(statistics.median(wall), 3),
        "events_per_s_per_core": round(1e6 / statistics.median(cpu)),
        "runs_cpu_s_per_million": [round(one, 3) for one in cpu],
        "events": events,
    }


def row(name: str, found: Figures) -> str:
    """A query's line: each engine's CPU seconds and events a second, and how many times the best other's penstock's is."""
    costs = {engine: told for engine, told in found.items() if isinstance(told, dict)}
    parts = [
        f"{engine}: {told['cpu_s_per_million']:.2f} CPU s/M, {told['events_per_s_per_core'] / 1e6:.2f} M/s/core"
        for engine, told in costs.items()
    ]
    others = [told["cpu_s_per_million"] for engine, told in costs.items() if engine != "penstock"]
    if "penstock" in costs and others:
        parts.append(f"x {min(others) / costs['penstock']['cpu_s_per_million']:.1f}")
    return f"{name:4} " + " | ".join(parts)


if __name__ == "__main__":
    main()
