"""penstock's answers to Nexmark at 100,000 events: equal to DuckDB's over the whole, and to Flink's as frozen."""

import json
from pathlib import Path

import pytest
from bench.nexmark.freeze import RATE, SIZES
from bench.nexmark.generator import Settings
from bench.nexmark.results import digest, frames, ours
from bench.nexmark.scripts import KINDS, NAMES

from penstock.errors import PenstockError
from tests.nexmark.batch import ANSWERS, Batch

SETTINGS = Settings(rate=RATE)
FLINKS = json.loads(Path(__file__).with_name("flink.json").read_text())
EXACT = [name for name in NAMES if KINDS[name].exact and KINDS[name].flink]


@pytest.fixture(scope="module")
def batch(tmp_path_factory: pytest.TempPathFactory) -> Batch:
    return Batch(frames(SIZES[0], SETTINGS), tmp_path_factory.mktemp("events"))


@pytest.mark.parametrize("name", ANSWERS)
def test_flink_and_duckdb_agree(name: str, batch: Batch) -> None:
    """The frozen answers are about these events, and both sides read the query alike."""
    assert digest(batch.answer(name)) == FLINKS[str(SIZES[0])][name]


@pytest.mark.parametrize("name", EXACT)
def test_penstock_answers_as_flink(name: str) -> None:
    assert digest(ours(name, SIZES[0], SETTINGS)) == FLINKS[str(SIZES[0])][name]


@pytest.mark.parametrize("form", ["avro", "protobuf"])
@pytest.mark.parametrize("name", ["q3", "q5", "q9"])
def test_the_answers_are_the_same_from_binary_values(name: str, form: str) -> None:
    """People, auctions and bids: all columns are read, moments among them."""
    assert digest(ours(name, SIZES[0], SETTINGS, form=form)) == FLINKS[str(SIZES[0])][name]


def test_each_bid_is_in_one_window_of_the_walls_clock() -> None:
    """q12's windows follow from when it runs: Flink's bounded run closes none of them at its end, so none is frozen."""
    counted = ours("q12", SIZES[0], SETTINGS)
    assert sum(count for _, count, *_ in counted.elements()) == SIZES[0] * 46 // 50
    windows = {tuple(row[2:]) for row in counted}
    assert all(
        len({row[0] for row in counted if row[2:] == window}) == sum(row[2:] == window for row in counted)
        for window in windows
    )


def test_what_flink_refuses_is_refused() -> None:
    refused = [name for name in NAMES if not KINDS[name].flink]
    assert refused == ["q6"]
    with pytest.raises(PenstockError, match="OVER"):
        ours("q6", 100, SETTINGS)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in EXACT if name in FLINKS[str(SIZES[1])]])
def test_penstock_answers_as_flink_at_a_million(name: str) -> None:
    assert digest(ours(name, SIZES[1], SETTINGS)) == FLINKS[str(SIZES[1])][name]
