"""What was found of Nexmark, as a table of `docs/benchmarks.md`. Measures nothing."""

import json
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bench.nexmark.scripts import NAMES

RUNS = "runs_cpu_s_per_million"
Costs = dict[str, dict[str, list[float]]]
"""By query and engine: CPU seconds per million events, a run each."""


def costs(files: Iterable[Path]) -> Costs:
    """All runs that stand in some files of `python -m bench.nexmark`."""
    found: Costs = defaultdict(lambda: defaultdict(list))
    for file in files:
        for query, engines in json.loads(file.read_text())["queries"].items():
            for engine, told in engines.items():
                found[query][engine] += told[RUNS]
    return found


def markdown(found: Costs, about: str) -> str:
    """A row a query, and the geometric mean of the ratios."""
    lines = ["| query | penstock | M events/s/core | Flink | ratio | runs |", "|---|---|---|---|---|---|"]
    ratios = []
    for query in [name for name in NAMES if name in found]:
        ours, theirs = _medians(found[query])
        ratios.append(theirs / ours)
        runs = min(len(each) for each in found[query].values())
        lines.append(
            f"| {query} | {ours:.2f} | {1 / ours:.2f} | {theirs:.2f} | **{ratios[-1]:.1f}** | {runs} |"
        )
    mean = statistics.geometric_mean(ratios)
    lines.append(f"| geometric mean | | | | **{mean:.1f}** | |")
    return "\n".join([about, "", *lines])


def _medians(engines: Mapping[str, list[float]]) -> tuple[float, float]:
    """Ours, and that of the best Flink."""
    others = [statistics.median(runs) for engine, runs in engines.items() if engine != "penstock"]
    return statistics.median(engines["penstock"]), min(others)


def opening(settings: Mapping[str, Any], machine: Mapping[str, Any], load: str) -> str:
    """A line on where and when the figures come from."""
    return (
        f"CPU seconds per million events, medians; {settings['events']:,} events as JSON in three topics, on "
        f"{machine['cores']} cores ({machine['cpu']}), Python {machine['python']}; Flink with {settings['backends']}, "
        f"a checkpoint every {settings['every']}; load {load}."
    )
