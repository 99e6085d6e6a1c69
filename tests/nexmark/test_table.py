"""Nexmark's tables: runs of several files together, whoever measured what."""

from typing import Any

import pytest
from bench.nexmark import table

HEAP, ROCKS = "Flink, hashmap, 10 s", "Flink, rocksdb, 1 s"


def told(form: str = "json", **queries: dict[str, list[float]]) -> dict[str, Any]:
    return {
        "machine": {"cores": 2, "cpu": "some", "python": "3.11", "load": 1.2},
        "settings": {"events": 1_000_000} | ({"format": form} if form != "json" else {}),
        "queries": {
            query: {engine: {table.RUNS: runs} for engine, runs in engines.items()}
            for query, engines in queries.items()
        },
    }


def lines(*files: dict[str, Any]) -> list[str]:
    return table.markdown(files).splitlines()


def test_runs_of_a_query_come_from_all_files() -> None:
    text = lines(
        told(q0={"penstock": [1.0, 3.0], HEAP: [8.0]}), told(q0={"penstock": [2.0], HEAP: [6.0, 4.0]})
    )
    assert "| q0 | 2.00 | 0.50 | 6.00 | heap, 10 s | **3.0** | 3 |" in text
    assert "| geometric mean |  |  |  |  | **3.0** |  |" in text


def test_flink_is_measured_by_its_best_way_to_keep_state() -> None:
    text = lines(
        told(q4={"penstock": [1.0], HEAP: [8.0], ROCKS: [5.0]}), told(q9={"penstock": [1.0], HEAP: [2.0]})
    )
    assert "| q4 | 1.00 | 1.00 | 5.00 | RocksDB, 1 s | **5.0** | 1 |" in text
    assert "| q4 | 1.00 | 8.00 | - | - | 5.00 |" in text
    assert sum(line.startswith("| q9 ") for line in text) == 1, "one way alone is no comparison of ways"


def test_engines_that_did_not_run_a_query_have_a_dash() -> None:
    slow = {"penstock": [0.5], "Quix Streams": [100.0]}
    text = lines(told(q0={"penstock": [0.5], HEAP: [2.0], "Bytewax": [1.0]}, q5_counts=slow))
    assert "| q0 | 0.50 | 2.00 | - | - | 1.00 | **2.0** | - | - |" in text
    assert "| q5_counts | 0.50 | - | 100.00 | **200** | - | - | - | - |" in text
    assert "| geometric mean |  |  |  | **200** |  | **2.0** |  | - |" in text


def test_other_engines_stand_beside_what_ran_with_them() -> None:
    quiet = told(q0={"penstock": [1.0], HEAP: [4.0]})
    busy = told(q0={"penstock": [2.0], HEAP: [6.0], "Pathway": [10.0]})
    text = lines(quiet, busy)
    assert "| q0 | 1.00 | 1.00 | 4.00 | heap, 10 s | **4.0** | 1 |" in text
    assert "| q0 | 2.00 | 6.00 | - | - | - | - | 10.00 | **5.0** |" in text


def test_formats_stand_side_by_side() -> None:
    text = lines(
        told(q0={"penstock": [0.5], HEAP: [2.0]}),
        told("avro", q0={"penstock": [0.2], HEAP: [1.0]}),
        told("protobuf", q0={"penstock": [0.2]}),
    )
    assert "| q0 | 0.50 | 2.00 | **4.0** | 0.20 | 1.00 | **5.0** | 0.20 | - | - |" in text


@pytest.mark.parametrize("files", [[told(q5_counts={"penstock": [1.0]})], [told(q0={HEAP: [1.0]})]])
def test_what_has_nothing_beside_it_is_no_table(files: list[dict[str, Any]]) -> None:
    assert not any(line.startswith("| q") for line in lines(*files))
