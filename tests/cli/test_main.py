"""The command line as a whole: help, start-up time, exit codes, errors, and what a terminal gets to see."""

import io
import json
import os
import resource
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.cli import completion, doctor, main, moments, output, progress
from penstock.cli.formats import json_lines, template
from penstock.errors import PenstockError
from penstock.record import Record
from tests.cli.conftest import Call

# kio takes hypothesis in where a developer has it, at 0.2 s of CPU; users have not.
START = "import sys; sys.modules['hypothesis'] = None; from penstock.cli.main import main; sys.exit(main({words}))"


def cpu_s(*words: str) -> float:
    """The least CPU time of three runs."""
    times = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [sys.executable, "-c", START.format(words=list(words))], capture_output=True, check=False
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert done.returncode == 0, done.stderr
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(times)


def test_help_is_there_in_no_time() -> None:
    assert cpu_s("--help") < 0.15


def test_a_list_of_topics_is_there_at_once(broker_address: str) -> None:
    assert cpu_s("topic", "list", "--bootstrap", broker_address) < 0.4


def test_commands_of_the_log_import_nothing_heavy() -> None:
    names = [
        ".".join(("penstock.cli", *way))
        for way in main.every_command()
        if way[0]
        in ("topic", "group", "produce", "consume", "doctor", "queue", "exchange", "binding", "vhost")
    ]
    program = f"import importlib, sys; [importlib.import_module(n) for n in {names}]; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    assert {"polars", "numba", "pyarrow", "sqlglot", "starlette"} & set(loaded) == set()


@pytest.mark.parametrize("way", list(main.every_command()), ids=" ".join)
def test_every_command_explains_itself(call: Call, way: tuple[str, ...]) -> None:
    said = call(*way, "--help")
    assert said.code == 0
    assert main.help_of(*way).split("\n")[0].split(",")[0][:40] in said.out.replace("\n", " ")
    flags = [action for action in main.parser_of(*way)._actions if not action.help]
    assert [action.dest for action in flags if action.dest != "help"] == []


def test_menus_name_all_there_is(call: Call) -> None:
    top = call("--help").out
    assert all(f"\n    {command} " in top or f"\n    {command}\n" in top for command in main.COMMANDS)
    assert "130" in top
    topic = call("topic", "--help").out
    assert all(verb in topic for verb in main.verbs_of("topic"))
    assert call("topic").code == 2
    assert call("topics").code == 2
    assert call().code == 2
    assert call("--version").out.startswith("penstock ")


def test_flags_may_stand_anywhere_but_not_be_cut_short(call: Call) -> None:
    parsed = main.parse(["produce", "t", "--key", "k", "value", "--json"])
    assert (parsed.topic, parsed.value, parsed.key, parsed.json) == ("t", "value", "k", True)
    assert main.parse(main.joined(["consume", "t", "--from", "-5m"])).start == "-5m"
    assert call("produce", "t", "v", "--part", "1").code == 2


def test_nobody_there_is_said_at_once_with_the_remedy(call: Call) -> None:
    said = call("topic", "list", "--bootstrap", "127.0.0.1:1")
    assert (said.code, said.out) == (2, "")
    assert "no Kafka server answers at 127.0.0.1:1" in said.error
    assert "penstock up" in said.error
    error = json.loads(call("topic", "list", "--bootstrap", "127.0.0.1:1", "--json").error)
    assert sorted(error) == ["error", "place", "remedy"]
    assert call("topic", "list", "--bootstrap", "nonsense").code == 2


# --- what a terminal gets to see --------------------------------------------------------------------------------


def test_what_steers_a_terminal_is_shown_and_not_done() -> None:
    assert output.visible("a\x1b]0;x\x07b\u202ec\x9b\td\n") == "a\\x1b]0;x\\x07b\\u202ec\\x9b\td\n"
    assert json.loads(output.json_of({"k": "\x9b\u202e\x1b"})) == {"k": "\x9b\u202e\x1b"}
    assert not set("\x9b\u202e\x1b") & set(output.json_of({"k": "\x9b\u202e\x1b"}))
    assert output.text_of("two\nlines") == "two\\nlines"


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (9_950, "10 kB"),
        (123_456, "123 kB"),
        (10**15, "1.0 PB"),
        (None, ""),
    ],
)
def test_sizes_are_for_people(size: int | None, text: str) -> None:
    assert output.size_text(size) == text


def test_long_work_shows_where_it_is_to_a_terminal_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for terminal in (True, False):
        stream = Terminal() if terminal else io.StringIO()
        monkeypatch.setattr("sys.stderr", stream)
        with progress.Progress("records", 100) as shown:
            shown._next_s = 0.0
            shown.at(50)
        assert ("50 of 100 records" in stream.getvalue()) is terminal
        assert stream.getvalue().endswith("\r\x1b[K") is terminal
    assert (
        progress.line("records", 50, 100, 5.0)
        == "████████████············  50%  50 of 100 records  10/s  5 s left"
    )
    assert progress.line("records", 7, None, 0.0) == "7 records  0/s"


class Terminal(io.StringIO):
    """A stream that says it is one."""

    def isatty(self) -> bool:
        return True


# --- places and formats -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("start", ("start", 0)), ("start+3", ("start", 3)), ("end", ("end", 0)), ("end-3", ("end", 3)),
        ("-3", ("end", 3)), ("17", ("offset", 17)), ("@5", ("time", 5)), ("-5m", ("time", 700_000)),
        ("@-1s", ("time", 999_000)), ("-20ms", ("time", 999_980)), ("1970-01-01T00:00:01Z", ("time", 1000)),
        ("1970-01-01T01:00:01+01:00", ("time", 1000)),
    ],
)  # fmt: skip
def test_a_place_is_said_in_many_ways(text: str, means: tuple[str, int]) -> None:
    found = moments.moment(text, "--from", now_ms=1_000_000)
    assert (found.kind, found.number) == means


@pytest.mark.parametrize("text", ["", "end+1", "start-1", "@", "@x", "-5y", "5m", "tomorrow", "2026-13-01"])
def test_other_words_are_no_place(text: str) -> None:
    with pytest.raises(PenstockError, match="no place in a topic"):
        moments.moment(text, "--from")


BYTES = st.none() | st.binary(max_size=20)
HEADERS = st.lists(
    st.tuples(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), BYTES), max_size=3
)
RECORDS = st.builds(Record, BYTES, BYTES, st.integers(0, 2**53), HEADERS.map(tuple), st.integers(0, 2**53))


@given(RECORDS)
def test_any_record_goes_through_json_and_back(found: Record) -> None:
    line = json_lines.write("t", 3, found)
    assert line.count(b"\n") == 1
    draft = json_lines.read(line)
    assert (draft.key, draft.value, draft.headers) == (found.key, found.value, found.headers)
    assert (draft.partition, draft.timestamp_ms) == (3, found.timestamp_ms)


@given(RECORDS)
def test_any_record_goes_through_a_template_and_back(found: Record) -> None:
    text = r"%p\x00%k{hex} %v{base64}\t%d|%h"
    line = template.parse(text, "kvhdpto").write("t", 3, found, b"-", bytes)
    draft = template.parse(text, "kvhdp", reading=True).read(line, b"-")
    assert (draft.key, draft.value, draft.headers) == (found.key, found.value, found.headers)
    assert (draft.partition, draft.timestamp_ms) == (3, found.timestamp_ms)


@given(st.text(max_size=30))
def test_any_template_is_understood_or_refused(text: str) -> None:
    try:
        form = template.parse(text, "kvhdp", reading=True)
        form.read(b"some line", None)
    except PenstockError as error:
        assert error.message


@given(st.binary(max_size=40))
def test_any_line_is_a_record_or_refused(line: bytes) -> None:
    try:
        json_lines.read(line)
    except PenstockError as error:
        assert error.message


# --- doctor and completion --------------------------------------------------------------------------------------


def test_the_doctor_finds_nothing_wrong_with_a_good_machine(call: Call, tmp_path: Path) -> None:
    (tmp_path / "penstock.toml").write_text('kafka = "127.0.0.1:0"\nhttp = "off"\n')
    said = call("doctor", str(tmp_path), "--json")
    assert said.code == 0
    found = {row["check"]: row for row in said.rows}
    assert {
        "python",
        "kafka port",
        "http port",
        "data",
        "disk space",
        "disk sync",
        "open files",
        "console",
    } <= set(found)
    assert all(row["remedy"] for row in said.rows if row["state"] != "ok")
    assert list(tmp_path.iterdir()) == [tmp_path / "penstock.toml"]


def test_the_doctor_names_each_remedy(call: Call, tmp_path: Path, broker_address: str) -> None:
    (tmp_path / "penstock.toml").write_text(f'kafka = "{broker_address}"\nhttp = "off"\ndata_dir = "file"\n')
    (tmp_path / "file").write_text("")
    said = call("doctor", str(tmp_path))
    assert said.code == 1
    assert "in use" in said.out
    assert "choose another port" in said.out
    assert "choose another: --data-dir DIR" in said.out


def test_the_doctor_sees_slow_disks_and_old_clients(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(doctor, "SYNC_SLOW_S", -1.0)
    monkeypatch.setattr(doctor, "TESTED", {"aiokafka": (99, 0)})
    monkeypatch.setattr(doctor, "SPACE_LEAST", 1 << 62)
    site = doctor.Site(doctor.UpOptions(), tmp_path / "data")
    for check, state in ((doctor.sync_time, "warn"), (doctor.clients, "warn"), (doctor.disk_space, "fail")):
        (finding,) = check(site)
        assert finding.state == state
        assert finding.remedy


def completed(*typed: str) -> list[str]:
    """What bash offers after these words."""
    words = shlex.join(typed)
    program = f"{completion.script()}\nCOMP_WORDS=({words})\nCOMP_CWORD={len(typed) - 1}\n_penstock\nprintf '%s\\n' \"${{COMPREPLY[@]}}\""
    said = subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=True, env=os.environ)
    return said.stdout.split()


def test_a_shell_completes_commands_verbs_and_flags() -> None:
    assert completed("penstock", "con") == ["consume"]
    assert completed("penstock", "topic", "de") == ["describe", "delete"]
    assert completed("penstock", "topic", "delete", "--dr") == ["--dry-run"]
    assert completed("penstock", "consume", "orders", "--fo") == ["--follow", "--format"]


def test_sql_explain_shows_a_plan_without_a_server(call: Call, tmp_path: Path) -> None:
    script = tmp_path / "counts.sql"
    script.write_text(
        "CREATE TABLE a (x BIGINT, y STRING) WITH ('connector' = 'kafka', 'topic' = 'a', 'format' = 'json');\n"
        "CREATE TABLE b (x BIGINT) WITH ('connector' = 'print');\n"
        "INSERT INTO b SELECT x FROM a WHERE x > 1;\n"
    )
    told = call("sql", "explain", str(script))
    assert "As it is written" in told.out and "decodes json: x BIGINT; 1 of 2 columns" in told.out
    script.write_text("INSERT INTO nowhere SELECT 1")
    refused = call("sql", "explain", str(script))
    assert refused.code == 2 and f"{script}:1:13" in refused.error
    tasks = tmp_path / "tasks.py"
    tasks.write_text("from penstock import App\napp = App('a')\napp.task(queue='q', name='t')(print)\n")
    refused = call("sql", "explain", str(tasks))
    assert refused.code == 2 and "tasks and no pipelines" in refused.error
