"""Live tables: folding a changelog, resuming from any point, and what happens at the bounds."""

import json
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.record import Record
from penstock.tables.columns import TableColumn
from penstock.tables.live import Cursor, Declared, LiveTable, TableOptions

CORES = Declared("cores", (TableColumn("core", "STRING"), TableColumn("load", "DOUBLE")), ("core",))
ID = bytes(range(16))


def key(core: object) -> bytes:
    return json.dumps({"core": core}, separators=(",", ":")).encode()


def record(offset: int, core: object, load: float | None, at_ms: int = 0) -> Record:
    value = None if load is None else json.dumps({"core": core, "load": load}).encode()
    return Record(key(core), value, at_ms, (), offset)


def table(partitions: int = 1, declared: Declared = CORES, **options: int) -> LiveTable:
    return LiveTable(declared, ID, [0] * partitions, TableOptions(**options))


def rows(live: LiveTable) -> list[dict[str, object]]:
    return [json.loads(row) for row in live.snapshot()[0]]


def fold(state: dict[bytes, bytes], live: LiveTable, cursor: Cursor, count: int = 7) -> str:
    """Take all there is, as a client would; the last token."""
    token = live.token
    while cursor.number < live.ring.head:
        changes = live.changes_since(cursor, count)
        assert changes is not None
        for change, after in changes:
            token = after
            if change.value is None:
                state.pop(change.key, None)
            else:
                state[change.key] = change.value
    return token


def test_the_last_value_of_each_key_is_its_row() -> None:
    live = table()
    assert live.apply(0, [record(0, "a", 1), record(1, "b", 2), record(2, "a", 3), record(3, "b", None)]) == 4
    assert rows(live) == [{"core": "a", "load": 3}]
    assert json.loads(live.get("a") or b"") == {"core": "a", "load": 3}
    assert live.get("b") is None


def test_records_seen_before_are_passed_over() -> None:
    live = table()
    live.apply(0, [record(0, "a", 1), record(1, "a", 2)])
    assert live.apply(0, [record(0, "a", 1), record(1, "a", 2), record(2, "c", 5)]) == 1
    assert rows(live) == [{"core": "a", "load": 2}, {"core": "c", "load": 5}]


def test_a_reader_gets_each_change_with_the_token_after_it() -> None:
    live = table()
    live.apply(0, [record(0, "a", 1)])
    _, cursor = live.snapshot()
    live.apply(0, [record(1, "b", 2), record(2, "a", None)])
    changes = live.changes_since(cursor, 10)
    assert changes is not None
    assert [(c.offset, c.value is None, t.rpartition(".")[2]) for c, t in changes] == [
        (1, False, "2"),
        (2, True, "3"),
    ]
    assert live.changes_since(cursor, 10) == []


@settings(max_examples=150, deadline=None)
@given(
    partitions=st.integers(1, 4),
    steps=st.lists(st.tuples(st.integers(0, 12), st.one_of(st.none(), st.integers(0, 99))), max_size=120),
    cuts=st.sets(st.integers(0, 120), max_size=8),
    seed=st.integers(0, 1000),
)
def test_any_prefix_and_what_its_token_resumes_to_equals_the_whole(
    partitions: int, steps: list[tuple[int, int | None]], cuts: set[int], seed: int
) -> None:
    live, ends, tokens = table(partitions), [0] * partitions, []
    for at, (core, load) in enumerate(steps):
        if at in cuts:
            tokens.append((dict(live.rows), live.token))
        partition = core % partitions
        live.apply(partition, [record(ends[partition], core, load)])
        ends[partition] += 1
    chance = random.Random(seed)
    for state, token in tokens:
        resumed = live.resume(token)
        assert resumed is not None
        fold(state, live, resumed, chance.randint(1, 9))
        assert state == live.rows


@settings(max_examples=60, deadline=None)
@given(partitions=st.integers(1, 3), interleaving=st.integers(0, 10_000), cut=st.integers(0, 60))
def test_a_token_of_one_process_resumes_in_another_that_read_the_partitions_in_another_order(
    partitions: int, interleaving: int, cut: int
) -> None:
    chance = random.Random(interleaving)
    logs = [
        [record(i, p + partitions * chance.randint(0, 3), i) for i in range(20)] for p in range(partitions)
    ]

    def read(seed: int) -> tuple[LiveTable, list[tuple[dict[bytes, bytes], str]]]:
        live, order, seen = table(partitions), [p for p in range(partitions) for _ in range(20)], []
        random.Random(seed).shuffle(order)
        for p in order:
            seen.append((dict(live.rows), live.token))
            live.apply(p, [logs[p][live.offsets[p]]])
        return live, seen

    one, other = read(interleaving)[1], read(interleaving + 1)[0]
    state, token = one[min(cut, len(one) - 1)]
    resumed = other.resume(token)
    assert resumed is not None
    fold(state, other, resumed)
    assert state == other.rows


def test_a_snapshot_and_the_changes_after_it_equal_the_table() -> None:
    live = table()
    live.apply(0, [record(i, i % 9, i) for i in range(500)])
    snapshot, cursor = live.snapshot()
    state = {key(json.loads(row)["core"]): row for row in snapshot}
    live.apply(0, [record(i, i % 11, None if i % 5 == 0 else i) for i in range(500, 1000)])
    fold(state, live, cursor)
    assert state == live.rows


def test_a_reader_that_falls_behind_the_ring_is_told_to_start_anew() -> None:
    live = table(ring_changes_max=300)
    _, cursor = live.snapshot()
    token = live.token
    live.apply(0, [record(i, "a", i) for i in range(2000)])
    assert live.changes_since(cursor, 10) is None
    assert live.resume(token) is None
    assert 0 < len(live.ring) <= 300


def test_the_ring_keeps_to_its_bytes() -> None:
    live = table(ring_bytes_max=200_000)
    live.apply(0, [record(i, "a" * 50, i) for i in range(5000)])
    assert live.ring.bytes <= 200_000
    assert live.resume(live.token) is not None


def test_the_ring_finds_the_same_place_by_search_as_by_walking() -> None:
    live = table(ring_changes_max=2000)
    live.apply(0, [record(i, i % 7, i) for i in range(0, 5000)])
    for offset in range(live.ring.tail, live.ring.head + 1, 37):
        number = live.ring.first_at(offset)
        assert number == offset
        assert [c.offset for c in live.ring.walk(number, 3)] == list(range(offset, min(offset + 3, 5000)))


def test_tokens_of_another_topic_of_nonsense_and_of_the_future_do_not_resume() -> None:
    live = table()
    live.apply(0, [record(0, "a", 1)])
    again = LiveTable(CORES, bytes(16), [0])
    again.apply(0, [record(0, "a", 1)])
    for token in ["", ".", "x.1", again.token, live.token + "9", live.token + ".0", live.token[:-1] + "-1",
                  live.token[:-1] + "٣", "x" * 100_000, live.token + ".1" * 5000]:  # fmt: skip
        assert live.resume(token) is None, token[:60]


def test_a_token_from_before_a_hole_that_compaction_left_does_not_resume() -> None:
    live = table()
    live.apply(0, [record(0, "a", 1), record(1, "b", 1)])
    before = live.token
    live.apply(0, [record(5, "b", 2)])
    after = live.token
    live.apply(0, [record(6, "b", 3)])
    assert live.resume(before) is None
    assert live.resume(after) is not None


def test_offsets_without_rows_are_no_hole() -> None:
    live = table()
    live.apply(0, [record(0, "a", 1)])
    token = live.token
    live.skip(0, 2)
    live.apply(0, [record(2, "b", 1)])
    assert live.resume(token) is not None


def test_a_token_from_before_the_topic_grew_reads_the_new_partition_from_its_beginning() -> None:
    live = table()
    live.apply(0, [record(0, "a", 1)])
    state, token = dict(live.rows), live.token
    _, cursor = live.snapshot()
    live.extend([0])
    live.apply(1, [record(0, "z", 1)])
    resumed = live.resume(token)
    assert resumed is not None
    fold(state, live, resumed)
    assert state == live.rows
    changes = live.changes_since(cursor, 10)
    assert changes is not None and [c.key for c, _ in changes] == [key("z")]


def test_a_table_over_its_bounds_gives_up_its_rows_and_says_so() -> None:
    for bounds in ({"rows_max": 100}, {"rows_bytes_max": 20_000}):
        live = table(**bounds)
        _, cursor = live.snapshot()
        live.apply(0, [record(i, i, i) for i in range(200)])
        assert live.full and not live.rows
        assert live.changes_since(cursor, 1) is None
        assert live.offsets == [200], "it still follows the topic"


def test_damaged_records_are_counted_and_leave_the_row_that_was_there() -> None:
    live = table()
    live.apply(0, [record(0, "a", 1)])
    bad = [b"", b"{", b"[1]", b'"x"', b"\xff\xfe", b'{"core": "\xff"}', b"[" * 100_000]
    live.apply(0, [Record(key("a"), value, 0, (), i + 1) for i, value in enumerate(bad)])
    live.apply(0, [Record(None, b"{}", 0, (), 8), Record(b"\xff", b"{}", 0, (), 9)])
    assert live.damaged == len(bad) + 2
    assert rows(live) == [{"core": "a", "load": 1}]


def test_a_row_is_one_line_whatever_its_writer_thought_of_lines() -> None:
    live = table()
    live.apply(0, [Record(key("a"), b'{\r\n "core": "a",\n "load": 1.50,\n "note": "x\\ny"\n}', 0, (), 0)])
    (row,) = live.rows.values()
    assert b"\n" not in row and b"\r" not in row
    assert json.loads(row) == {"core": "a", "load": 1.5, "note": "x\ny"}
    assert b"1.50" in row, "numbers stay as they were written"


def test_key_columns_that_the_value_leaves_out_come_from_the_key() -> None:
    live = table()
    live.apply(0, [Record(key("a"), b' {"load":1}', 0, (), 0), Record(key("b"), b"{ }", 0, (), 1)])
    assert rows(live) == [{"core": "a", "load": 1}, {"core": "b"}]


def test_a_key_that_is_plain_text_is_the_one_key_column() -> None:
    live = table()
    live.apply(0, [Record(b"cpu 0", b'{"load":1}', 0, (), 0), Record(b"{odd", b'{"load":2}', 0, (), 1)])
    assert rows(live) == [{"core": "cpu 0", "load": 1}, {"core": "{odd", "load": 2}]
    assert live.keys.json(b"{odd") == b'{"core":"{odd"}'


def test_a_new_declaration_keeps_rows_and_tokens() -> None:
    live = table()
    live.apply(0, [Record(b'{ "core": "a" }', b'{"core":"a","load":1}', 0, (), 0)])
    token = live.token
    live.declare(Declared("cores", (*CORES.columns, TableColumn("unit", "STRING")), ("core",)))
    assert live.resume(token) is not None
    assert live.get("a") is not None
