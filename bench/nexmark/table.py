"""What was found of Nexmark, as tables of `docs/benchmarks.md`: the runs of some files together. Measures nothing."""

import statistics
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from bench.nexmark.scripts import FORMATS, HALVES, NAMES

RUNS = "runs_cpu_s_per_million"
OURS, FLINK = "penstock", "Flink"
OTHERS = ("Quix Streams", "Bytewax", "Pathway")
STATES = {
    f"{FLINK}, {backend}, {every}": f"{shown}, {every}"
    for backend, shown in (("hashmap", "heap"), ("rocksdb", "RocksDB"))
    for every in ("10 s", "1 s")
}
"""Flink's ways to keep state as the files name them, and as the table does."""
Found = Mapping[str, Any]
"""What one file of `python -m bench.nexmark` holds."""
Costs = dict[str, dict[str, list[float]]]
"""By query and engine: CPU seconds per million events, a run each."""


def markdown(files: Sequence[Found]) -> str:
    """All tables: beside Flink, Flink's ways to keep state, the other engines, the other formats.

    Files in which other engines ran make a table of their own: ratios are of what ran side by side.
    """
    beside = [
        file for file in files if any(one in told for told in file["queries"].values() for one in OTHERS)
    ]
    alone = [file for file in files if file not in beside] or files
    together = costs(alone, together=True)
    tables = [
        opening(files),
        flink(together.get("json", {})),
        states(costs(alone).get("json", {})),
        others(costs(beside).get("json", {})),
        formats(together),
    ]
    return "\n\n".join("\n".join(lines) for lines in tables if lines)


def costs(files: Iterable[Found], together: bool = False) -> dict[str, Costs]:
    """All runs, by format; or those alone in which ours took its turn."""
    found: dict[str, Costs] = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    for file in files:
        for query, engines in file["queries"].items():
            if together and OURS not in engines:
                continue
            for engine, told in engines.items():
                found[file["settings"].get("format", "json")][query][engine] += told[RUNS]
    return found


def opening(files: Sequence[Found]) -> list[str]:
    """Where and when the figures come from."""
    machine = files[0]["machine"]
    loads = [float(file["machine"]["load"]) for file in files]
    events = [f"{count:,}" for count in sorted({file["settings"]["events"] for file in files})]
    return [
        f"CPU seconds per million events, medians; {' or '.join(events)} events in three topics, as JSON where nothing else is "
        f"said, on {machine['cores']} cores ({machine['cpu']}), Python {machine['python']}; load {min(loads):.0f} to "
        f"{max(loads):.0f} at the begin."
    ]


def flink(found: Costs) -> list[str]:
    """A row a query: ours, Flink's cheapest way of those that ran in turn with it, and the geometric mean of the ratios."""
    rows, ratios = [], []
    for query in (name for name in NAMES if name in found):
        best = _best(found[query])
        if OURS not in found[query] or not best:
            continue
        ours, theirs = _median(found[query], OURS), _median(found[query], best)
        ratios.append(theirs / ours)
        runs = min(len(found[query][engine]) for engine in (OURS, best))
        rows.append(
            [
                query,
                f"{ours:.2f}",
                f"{1 / ours:.2f}",
                f"{theirs:.2f}",
                STATES[best],
                _times(ratios[-1]),
                str(runs),
            ]
        )
    if not rows:
        return []
    rows.append(["geometric mean", "", "", "", "", _times(statistics.geometric_mean(ratios)), ""])
    return _table(["query", OURS, "M events/s/core", f"{FLINK}, its best", "with", "ratio", "runs"], rows)


def states(found: Costs) -> list[str]:
    """Flink's ways to keep state, where more than one was measured."""
    rows = [
        [query, *(_cost(found[query], engine) for engine in (OURS, *STATES))]
        for query in NAMES
        if query in found and sum(engine in found[query] for engine in STATES) > 1
    ]
    return _table(["query", OURS, *(f"{FLINK}, {shown}" for shown in STATES.values())], rows) if rows else []


def others(found: Costs) -> list[str]:
    """The engines that are not Flink, each with how many times ours its cost is."""
    rows, ratios = [], defaultdict(list)
    for query in (name for name in NAMES + HALVES if any(engine in found.get(name, {}) for engine in OTHERS)):
        engines = found[query]
        cells = [query, _cost(engines, OURS), _cost(engines, _best(engines))]
        for engine in OTHERS:
            ratio = _ratio(engines, engine)
            ratios[engine] += [ratio] if ratio else []
            cells += [_cost(engines, engine), _times(ratio)]
        rows.append(cells)
    if not rows:
        return []
    means = [_times(statistics.geometric_mean(ratios[one]) if ratios[one] else None) for one in OTHERS]
    rows.append(["geometric mean", "", "", *(cell for mean in means for cell in ("", mean))])
    return _table(["query", OURS, FLINK, *(cell for one in OTHERS for cell in (one, "ratio"))], rows)


def formats(found: Mapping[str, Costs]) -> list[str]:
    """Ours and Flink's best in each format; nothing where there is JSON only."""
    if not set(FORMATS[1:]) & found.keys():
        return []
    rows, ratios = [], defaultdict(list)
    for query in (name for name in NAMES if any(name in found.get(form, {}) for form in FORMATS[1:])):
        cells = [query]
        for form in FORMATS:
            engines = found.get(form, {}).get(query, {})
            ratio = _ratio(engines, _best(engines))
            ratios[form] += [ratio] if ratio else []
            cells += [_cost(engines, OURS), _cost(engines, _best(engines)), _times(ratio)]
        rows.append(cells)
    means = [_times(statistics.geometric_mean(ratios[form]) if ratios[form] else None) for form in FORMATS]
    rows.append(["geometric mean", *(cell for mean in means for cell in ("", "", mean))])
    names = {"json": "JSON", "avro": "Avro", "protobuf": "Protobuf"}
    return _table(["query", *(cell for form in FORMATS for cell in (names[form], FLINK, "ratio"))], rows)


def _best(engines: Mapping[str, list[float]]) -> str:
    """Flink's cheapest way to keep state; empty where none was measured."""
    measured = [engine for engine in STATES if engine in engines]
    return min(measured, key=lambda engine: _median(engines, engine), default="")


def _median(engines: Mapping[str, list[float]], engine: str) -> float:
    return statistics.median(engines[engine])


def _ratio(engines: Mapping[str, list[float]], engine: str) -> float | None:
    if engine not in engines or OURS not in engines:
        return None
    return _median(engines, engine) / _median(engines, OURS)


def _cost(engines: Mapping[str, list[float]], engine: str) -> str:
    return f"{_median(engines, engine):.2f}" if engine in engines else "-"


def _times(ratio: float | None) -> str:
    if ratio is None:
        return "-"
    return f"**{ratio:.1f}**" if ratio < 100 else f"**{ratio:,.0f}**"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [*_lines([head, ["---"] * len(head), *rows])]


def _lines(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    for row in rows:
        yield f"| {' | '.join(row)} |" if row[0] != "---" else f"|{'|'.join(row)}|"
