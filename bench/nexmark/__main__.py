"""Nexmark, side by side: what a million events cost penstock's worker and Flink, from the same topics.

    python -m bench.nexmark --queries q0,q1 --events 1000000 --repeat 3

Method. A penstock broker (its CPU counts on neither side) holds each event twice: `nexmark`, with all events, and
`warm`, with the first few. Every run reads one of them from its first record to its last into a black hole. A figure is
the difference of a run over `nexmark` and one over `warm`, over the difference of their sizes: start-up, planning and
compiling are in both. The engines take turns, query by query; medians of the repeats. CPU is that of the engine's
whole process. Flink's JVM runs the query once over everything before it counts. Both keep state exactly once: penstock
commits as it does by default (at most every second), Flink's checkpoints come every `--every`.
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
from bench.nexmark.rivals.penstock import Worker
from bench.nexmark.scripts import KINDS, NAMES, Place

WARM = BLOCK
GRAIN_S = 0.02
"""A difference of two processes' CPU seconds is no finer: q3 and q8 read but 8 % of the events, which costs little more."""
Figures = dict[str, object]


def main() -> None:
    """Measure, print the table, and write the figures to bench/out/nexmark.json."""
    given = _words().parse_args()
    if given.table:
        _show(given)
        return
    found: Figures = {
        "at": time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime()), "machine": machine(), "settings": vars(given), "queries": {},
    }  # fmt: skip
    OUT.mkdir(exist_ok=True)
    with filled({"warm": WARM, "nexmark": given.events}, given.layout, given.rate) as address:
        for name in given.queries.split(","):
            found["queries"] |= {name: _measured(name, address, given)}  # type: ignore[operator]
            (OUT / "nexmark.json").write_text(json.dumps(found, indent=2) + "\n")
            print(row(name, found["queries"][name]), flush=True)  # type: ignore[index]
    print(f"written to {OUT / 'nexmark.json'}")
    if given.docs:
        given.table = [OUT / "nexmark.json"]
        _show(given)


def _show(given: argparse.Namespace) -> None:
    """The table of what some files hold; with `--docs` into the document, too."""
    told = [json.loads(file.read_text()) for file in given.table]
    loads = [float(one["machine"]["load"]) for one in told]
    about = table.opening(
        told[0]["settings"], told[0]["machine"], f"{min(loads):.0f} to {max(loads):.0f} at the begin"
    )
    text = table.markdown(table.costs(given.table), about)
    print(text)
    if given.docs:
        fill("nexmark", text)


def _words() -> argparse.ArgumentParser:
    words = argparse.ArgumentParser(prog="python -m bench.nexmark", description=__doc__)
    words.formatter_class = argparse.RawDescriptionHelpFormatter
    words.add_argument("--queries", default=",".join(name for name in NAMES if KINDS[name].flink))
    words.add_argument("--events", type=int, default=1_000_000)
    words.add_argument("--docs", action="store_true", help="put the table into docs/benchmarks.md")
    words.add_argument(
        "--table", type=Path, nargs="+", help="measure nothing: show these files, all runs together"
    )
    words.add_argument("--repeat", type=int, default=3)
    words.add_argument("--layout", choices=("one", "three"), default="three")
    words.add_argument("--rate", type=int, default=Settings.rate, help="events a second of event time")
    words.add_argument("--engines", default="penstock,flink")
    words.add_argument("--backends", default="hashmap", help="Flink's: hashmap, rocksdb, or both")
    words.add_argument(
        "--every", default="10 s", help="between Flink's checkpoints: 10 s, 1 s, or both with a comma"
    )
    return words


def _measured(name: str, address: str, given: argparse.Namespace) -> Figures:
    """A query's figures by engine, and the ratio to the best Flink."""
    found: Figures = {}
    with ExitStack() as stack:
        rivals = list(_rivals(name, given, stack))
        costs: dict[str, list[tuple[Cost, Cost]]] = {rival.name: [] for rival in rivals}
        places = [Place(address, given.layout, topic=topic) for topic in ("warm", "nexmark")]
        for rival in rivals:
            if rival.name != "penstock":
                rival.run(name, places[1])
        for _ in range(given.repeat):
            for rival in rivals:
                costs[rival.name].append((rival.run(name, places[0]), rival.run(name, places[1])))
        found |= {engine: _figures(pairs, given.events) for engine, pairs in costs.items()}
    return found


def _rivals(name: str, given: argparse.Namespace, stack: ExitStack) -> Iterator[Rival]:
    if "penstock" in given.engines and not KINDS[name].needs:
        yield Worker()
    if "flink" in given.engines and KINDS[name].flink:
        for backend in given.backends.split(","):
            for every in given.every.split(","):
                yield stack.enter_context(flink(backend, every.strip()))


def _figures(pairs: list[tuple[Cost, Cost]], events: int) -> dict[str, object]:
    millions = (events - WARM) / 1e6
    cpu = [max(GRAIN_S, large.cpu_s - small.cpu_s) / millions for small, large in pairs]
    wall = [(large.wall_s - small.wall_s) / millions for small, large in pairs]
    return {
        "cpu_s_per_million": round(statistics.median(cpu), 3),
        "wall_s_per_million": round(statistics.median(wall), 3),
        "events_per_s_per_core": round(1e6 / statistics.median(cpu)),
        "runs_cpu_s_per_million": [round(one, 3) for one in cpu],
    }


def row(name: str, found: Figures) -> str:
    """A query's line: each engine's CPU seconds and events a second, and how many times Flink's best penstock's is."""
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
