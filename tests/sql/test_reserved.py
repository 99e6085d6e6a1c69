"""Flink's reserved words name nothing without backticks here either; in backticks each of them may be a name."""

import pytest

from penstock.engine.job import Job
from penstock.errors import PenstockError
from penstock.sql import parse
from penstock.sql.grammar.reserved import RESERVED

HEAD = """CREATE TABLE t (n INT, ts TIMESTAMP(3), m MAP<STRING, INT>, r ROW<`value` INT>, WATERMARK FOR ts AS ts)
WITH ('connector'='kafka','topic'='t','format'='json');
"""
PRINT = "WITH ('connector'='print');"


@pytest.mark.parametrize("word", sorted(RESERVED))
def test_a_reserved_word_is_a_name_in_backticks_alone(word: str) -> None:
    script = f"CREATE TABLE o (x INT) {PRINT} INSERT INTO o SELECT n AS {{}} FROM t"
    with pytest.raises(PenstockError):
        parse(HEAD + script.format(word.lower()))
    assert parse(HEAD + script.format(f"`{word.lower()}`")).sinks


@pytest.mark.parametrize(
    ("script", "word", "column"),
    [
        (f"CREATE TABLE result (n INT) {PRINT}", "result", 14),
        (f"CREATE TABLE o (value INT) {PRINT}", "value", 17),
        (f"CREATE TABLE o (r ROW<value INT>) {PRINT}", "value", 19),
        ("CREATE VIEW user AS SELECT n FROM t", "user", 13),
        ("CREATE VIEW v (n, start) AS SELECT n, ts FROM t", "start", 19),
        ("CREATE VIEW v AS SELECT n FROM t AS one", "one", 37),
        ("CREATE VIEW v AS SELECT value.n FROM t AS `value`", "value", 25),
        ("CREATE VIEW v AS SELECT n FROM t WHERE time > ts", "time", 40),
    ],
)
def test_it_is_refused_where_it_stands(script: str, word: str, column: int) -> None:
    with pytest.raises(PenstockError) as caught:
        parse(f"{script};\nCREATE TABLE x (n INT) {PRINT} INSERT INTO x SELECT n FROM t")
    assert caught.value.message == f"{word} is a reserved word of Flink SQL"
    assert f"`{word}`" in caught.value.remedy and caught.value.column == column


def test_words_of_the_grammar_are_none_of_these_names() -> None:
    script = f"""CREATE TABLE o (a TIMESTAMP(3), b BIGINT, c INT, d TIMESTAMP(3), e INT, f INT) {PRINT}
    INSERT INTO o SELECT TIMESTAMPADD(SECOND, 1, ts), CAST(TIMESTAMPDIFF(DAY, ts, ts) AS BIGINT), MAP['a', n]['a'],
      FLOOR(ts TO HOUR), m['k'], r.`value` FROM t WHERE EXTRACT(YEAR FROM ts) > 1 AND ts > TIMESTAMP '2026-01-01 00:00:00'"""
    assert Job(parse(HEAD + script)).sources
    windows = f"""CREATE TABLE o (n BIGINT, s TIMESTAMP(3)) {PRINT} INSERT INTO o SELECT COUNT(*), window_start
    FROM TABLE(TUMBLE(DATA => TABLE t, TIMECOL => DESCRIPTOR(ts), SIZE => INTERVAL '1' MINUTE)) GROUP BY window_start, window_end"""
    assert Job(parse(HEAD + windows)).sources
