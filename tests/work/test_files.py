"""Pipeline files: found, watched, loaded, refused with their place."""

import os
from pathlib import Path

import pytest

from penstock.errors import PenstockError
from penstock.work.loading import load, pipeline_files
from penstock.work.watching import Watch

SQL = b"""
CREATE TABLE a (x BIGINT) WITH ('connector' = 'datagen', 'number-of-rows' = '3');
CREATE TABLE b (x BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO b SELECT x FROM a;
"""


def test_files_and_directories_are_found_hidden_ones_and_others_are_not(tmp_path: Path) -> None:
    for name in ("b.sql", "a.py", ".hidden.sql", "_draft.sql", "notes.txt"):
        (tmp_path / name).write_text("")
    (tmp_path / "sub.sql").mkdir()
    alone = tmp_path / "one"
    alone.mkdir()
    (alone / "c.sql").write_text("")
    found = pipeline_files((str(tmp_path), str(alone / "c.sql"), str(tmp_path / "b.sql"), "nowhere"))
    assert [p.name for p in found] == ["a.py", "b.sql", "c.sql"]


def test_saved_new_touched_and_deleted_files_are_told_apart(tmp_path: Path) -> None:
    one, two = tmp_path / "one.sql", tmp_path / "two.sql"
    one.write_text("1")
    watch = Watch((str(tmp_path),))
    assert watch.look().saved == {one: b"1"}
    assert watch.look() == watch.look()
    os.utime(one, ns=(1, 1))
    assert watch.look().saved == {}
    two.write_text("2")
    one.write_text("1b")
    assert watch.look().saved == {one: b"1b", two: b"2"}
    one.unlink()
    assert watch.look().gone == [one]
    one.write_text("1b")
    assert watch.look().saved == {one: b"1b"}


def test_a_directory_that_comes_later_is_picked_up(tmp_path: Path) -> None:
    watch = Watch((str(tmp_path / "pipelines"),))
    assert watch.look().saved == {}
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines" / "a.sql").write_text("x")
    assert list(watch.look().saved.values()) == [b"x"]


def test_sql_becomes_a_plan() -> None:
    plan = load(Path("p.sql"), SQL).plan
    assert [sink.table.name for sink in plan.sinks] == ["b"]


def test_python_becomes_the_plan_of_its_apps(tmp_path: Path) -> None:
    (tmp_path / "shared_names.py").write_text("TARGET = 'large'\n")
    path = tmp_path / "p.py"
    text = b"""
from shared_names import TARGET
from penstock.dsl import App, col
app = App("shop")
payments = app.topic("payments", {"card": str, "amount": float})
payments.filter(col.amount > 100).select(col.card).to(TARGET)
same = app
"""
    plan = load(path, text).plan
    assert [sink.table.topic for sink in plan.sinks] == ["large"]
    (tmp_path / "shared_names.py").write_text(
        "TARGET = 'changed'  # another size, so that no cache serves it\n"
    )
    assert [sink.table.topic for sink in load(path, text).plan.sinks] == ["changed"]


@pytest.mark.parametrize(
    ("name", "text", "line", "says"),
    [
        ("p.sql", b"SELECT 1;\nINSERT INTO nowhere SELECT", 1, ""),
        ("p.sql", b"ok\n\xff", 2, "UTF-8"),
        ("p.py", b"x = 1\ny = = 2", 2, "Python: invalid syntax"),
        ("p.py", b"x = 1\n\ny = 1 / 0", 3, "ZeroDivisionError"),
        ("p.py", b"import nothing_of_this_name", 1, "ModuleNotFoundError"),
        ("p.py", b"x = 1", 0, "no app"),
    ],
)
def test_what_is_wrong_in_a_file_is_said_with_its_line(name: str, text: bytes, line: int, says: str) -> None:
    with pytest.raises(PenstockError) as caught:
        load(Path(name), text)
    assert says in caught.value.message
    assert (caught.value.place, caught.value.line) == (name, line)
