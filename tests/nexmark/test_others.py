"""The other engines beside Nexmark: what is refused without them, and their rows in penstock's form. None of them runs here."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import psutil
import pytest
from bench.nexmark import __main__ as nexmark
from bench.nexmark.agree import change, compared
from bench.nexmark.generator import Settings
from bench.nexmark.rivals import others
from bench.nexmark.rivals.watching import Rest, until_rest
from bench.nexmark.scripts import Place

SETTINGS = Settings(rate=1_000)


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(others, "HOME", tmp_path)
    return tmp_path


def test_engines_that_are_not_installed_are_refused_with_what_fetches_them(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RuntimeError, match=r"python -m bench\.nexmark\.rivals\.others fetches them"):
        others.QUIX.run("q0", Place("127.0.0.1:1"))
    monkeypatch.setattr(sys, "argv", ["nexmark", "--engines", "penstock,bytewax", "--queries", "q0"])
    with pytest.raises(SystemExit, match=r"bytewax\[kafka\]==.* are not installed"):
        nexmark.main()


def test_another_version_than_the_one_wanted_is_not_installed(nowhere: Path) -> None:
    (nowhere / "ready").write_text("\n".join(others.PACKAGES))
    assert not others.missing()
    (nowhere / "ready").write_text("quixstreams==1")
    assert others.missing()


def test_every_program_has_the_queries_it_is_asked_for() -> None:
    for other in others.OTHERS.values():
        text = (others.PROGRAMS / other.program).read_text()
        assert all(f"def {query}(" in text for query in other.queries)
        assert set(other.slow) <= set(other.queries)


def test_a_program_that_fails_says_with_what(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (nowhere / "ready").write_text("\n".join(others.PACKAGES))
    (nowhere / "quix.py").write_text("raise SystemExit('no such topic')")
    monkeypatch.setattr(others, "PYTHON", Path(sys.executable))
    monkeypatch.setattr(others, "PROGRAMS", nowhere)
    with pytest.raises(RuntimeError, match="Quix Streams, q0: it ended with 1: no such topic"):
        others.QUIX.run("q0", Place("127.0.0.1:1"))


def test_a_programs_cost_is_the_cpu_of_its_whole_process(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (nowhere / "ready").write_text("\n".join(others.PACKAGES))
    (nowhere / "quix.py").write_text("import time\nwhile time.process_time() < 0.3: pass")
    monkeypatch.setattr(others, "PYTHON", Path(sys.executable))
    monkeypatch.setattr(others, "PROGRAMS", nowhere)
    assert 0.3 <= others.QUIX.run("q0", Place("127.0.0.1:1")).cpu_s < 1


def test_a_process_has_come_to_its_end_when_it_rests_and_has_read_all(tmp_path: Path) -> None:
    done = tmp_path / "done"
    busy = f"import time\nwhile time.process_time() < 0.3: pass\nopen({str(done)!r}, 'w')\ntime.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", busy]) as process:
        try:
            cost = until_rest(psutil.Process(process.pid), done.exists, Rest(0.2, 0.05, 0.2))
        finally:
            process.kill()
    assert 0.2 <= cost.cpu_s < 1, "all of its work, as the kernel counts it"


@pytest.mark.parametrize(
    ("line", "row"),
    [
        (["+I", 1, 2.5, "2026-11-22 00:00:01.250"], ["+I", 1, "2.500", "2026-11-22 00:00:01.250000"]),
        ({"a": "x:y", "at": "2026-11-22T00:00:02.000000000", "diff": 1, "time": 7}, ["+I", "x:y", "2026-11-22 00:00:02.000000"]),
        ({"a": 1, "diff": -1, "time": 8}, ["-D", 1]),
    ],
)  # fmt: skip
def test_a_row_has_one_form_whoever_wrote_it(line: object, row: list[object]) -> None:
    assert change(line) == row  # type: ignore[arg-type]


def test_only_windows_at_the_end_may_be_missing() -> None:
    """100,000 events at 1,000 a second from 23:59:55 end at 00:01:35."""
    early, late = (7, "2026-11-22 00:00:10.000000"), (8, "2026-11-22 00:01:30.000000")
    wanted = Counter([early, late])
    assert compared("q7_best", wanted, wanted, SETTINGS, 100_000) == (False, "2 of 2 rows")
    assert compared("q7_best", Counter([early]), wanted, SETTINGS, 100_000)[0] is False
    assert compared("q7_best", Counter([late]), wanted, SETTINGS, 100_000)[0] is True
    assert compared("q7_best", wanted + Counter([early]), wanted, SETTINGS, 100_000)[0] is True
    assert compared("q0", Counter([early]), wanted, SETTINGS, 100_000)[0] is True
