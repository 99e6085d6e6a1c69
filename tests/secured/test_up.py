"""`penstock up` with users and TLS, and the command line against it: the whole of it, from outside."""

import base64
import json
import os
import re
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from penstock.users import file
from tests.app.running import Running
from tests.secured.certificates import Authority

TOML = """\
http = "127.0.0.1:0"
kafka = "127.0.0.1:0"
amqp = "127.0.0.1:0"

[tls]
cert = "server.pem"
key = "server.key"
ca = "ca.pem"
"""
SQL = """\
CREATE TABLE marks (name STRING, mark BIGINT, PRIMARY KEY (name) NOT ENFORCED)
  WITH ('connector'='upsert-kafka','topic'='marks','key.format'='json','value.format'='json');
CREATE TABLE given (name STRING, mark BIGINT)
  WITH ('connector'='kafka','topic'='given','format'='json','scan.startup.mode'='earliest-offset');
INSERT INTO marks SELECT name, MAX(mark) FROM given GROUP BY name;
"""
TASK = """\
from penstock import App, Retry

app = App("bells")


@app.task(queue="bells", retry=Retry(dead_letter="cracked"))
def ring(name):
    print("rung for", name, flush=True)
"""


@dataclass
class Site:
    """A running project; `call` is the command line with its addresses and its authority."""

    folder: Path
    kafka: str
    amqp: str
    http: str
    authority: Authority
    running: Running

    def call(
        self, *words: str, user: str = "", password: str = "", **more: str
    ) -> subprocess.CompletedProcess[str]:
        settings = {
            "PENSTOCK_SASL_USER": user,
            "PENSTOCK_SASL_PASSWORD": password,
            "PENSTOCK_HTTP": self.http,
        }
        settings |= {"PENSTOCK_BOOTSTRAP": self.kafka, "PENSTOCK_TLS_CA": str(self.authority.ca), **more}
        return run(*words, **{name: value for name, value in settings.items() if value})


def run(*words: str, given: str | None = None, **settings: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "penstock.cli.main", *words]
    return subprocess.run(
        command,
        input=given,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("project")
    authority = Authority(folder)
    authority.sign("server", "DNS:localhost", "IP:127.0.0.1")
    (folder / "penstock.toml").write_text(TOML)
    (folder / "pipelines").mkdir()
    (folder / "pipelines" / "marks.sql").write_text(SQL)
    (folder / "pipelines" / "bells.py").write_text(TASK)
    data = str(folder / ".penstock")
    for words in (("ada", "--role", "admin"), ("bob",)):
        assert run("user", "add", *words, "--stdin", "--data-dir", data, given="secret\n").returncode == 0
    assert run("user", "allow", "bob", "read", "topic:marks", "--data-dir", data).returncode == 0
    running = Running("up", str(folder))
    try:
        kafka = running.until(r"broker +(\S+)  Kafka clients").group(1)
        amqp = running.until(r"broker +(\S+)  AMQP").group(1)
        http = running.until(r"web +https://(\S+)").group(1)
        yield Site(folder, kafka, amqp, http, authority, running)
    finally:
        running.stop()


def test_the_command_line_logs_in_over_tls(site: Site) -> None:
    made = site.call("topic", "create", "shelf", user="ada", password="secret")
    assert made.returncode == 0, made.stderr
    listed = site.call("topic", "list", "--json", user="ada", password="secret")
    assert "shelf" in [json.loads(line)["topic"] for line in listed.stdout.splitlines()]
    seen = site.call("topic", "list", "--json", user="bob", password="secret")
    assert {json.loads(line)["topic"] for line in seen.stdout.splitlines()} <= {"marks"}


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"user": "ada", "password": "wrong"}, "check the user's name and password"),
     ({"user": "bob", "password": "secret"}, "ask for access"),
     ({"user": "ada", "password": "secret", "PENSTOCK_TLS_CA": "/etc/ssl/certs/ca-certificates.crt"}, "authority")],
)  # fmt: skip
def test_what_is_refused_says_what_to_do(site: Site, settings: dict[str, str], words: str) -> None:
    told = site.call("topic", "create", "other", **settings)  # type: ignore[arg-type]
    assert told.returncode == 2 and (words in told.stderr or "no Kafka server answers" in told.stderr), (
        told.stderr
    )


def test_pipelines_run_and_tables_are_shown_to_whom_may_read_their_topic(site: Site) -> None:
    line = json.dumps({"name": "eve", "mark": 5})
    words = (
        "produce",
        "given",
        "--bootstrap",
        site.kafka,
        "--sasl-user",
        "ada",
        "--tls-ca",
        str(site.authority.ca),
    )
    sent = run(*words, given=line + "\n", PENSTOCK_SASL_PASSWORD="secret")
    assert sent.returncode == 0, sent.stderr
    until_s, found = (
        time.monotonic() + 40,
        site.call("table", "get", "marks", "--json", user="bob", password="secret"),
    )
    while "eve" not in found.stdout and time.monotonic() < until_s:
        time.sleep(0.5)
        found = site.call("table", "get", "marks", "--json", user="bob", password="secret")
    assert json.loads(found.stdout) == {"name": "eve", "mark": 5}, found.stderr


def test_tasks_take_what_users_send_over_tls(site: Site) -> None:
    at = {"PENSTOCK_AMQP": f"amqps://{site.amqp}"}
    sent = site.call("queue", "publish", "bells", '"eve"', user="ada", password="secret", **at)
    assert sent.returncode == 0, sent.stderr
    site.running.until("rung for eve")


def test_https_lets_in_by_certificate(site: Site) -> None:
    context = ssl.create_default_context(cafile=str(site.authority.ca))
    pair = site.authority.sign("bob")
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(f"https://{site.http}/api/topics", context=context, timeout=10)
    context.load_cert_chain(pair.cert, pair.key)
    answer = urllib.request.urlopen(f"https://{site.http}/api/topics", context=context, timeout=10)
    assert {each["name"] for each in json.load(answer)} <= {"marks"}


def test_queues_are_asked_as_who_asks_over_https(site: Site) -> None:
    where = {"PENSTOCK_AMQP": f"amqps://{site.amqp}"}
    made = site.call("queue", "create", "tasks.dlq", user="ada", password="secret", **where)
    assert made.returncode == 0, made.stderr
    context = ssl.create_default_context(cafile=str(site.authority.ca))
    for user, seen in (("ada", ["queue:tasks.dlq"]), ("bob", [])):
        words = base64.b64encode(f"{user}:secret".encode()).decode()
        asked = urllib.request.Request(
            f"https://{site.http}/api/dlq", headers={"Authorization": f"Basic {words}"}
        )
        answer = urllib.request.urlopen(asked, context=context, timeout=10)
        assert [each["name"] for each in json.load(answer) if each["kind"] == "queue"] == seen


def test_queues_over_https_are_looked_after_by_who_may(site: Site) -> None:
    def ask(method: str, path: str, user: str) -> Any:
        packed = base64.b64encode(f"{user}:secret".encode()).decode()
        headers = {"authorization": f"Basic {packed}", "content-type": "application/json"}
        request = urllib.request.Request(
            f"https://{site.http}{path}", b"{}" if method != "GET" else None, headers
        )
        request.method = method
        context = ssl.create_default_context(cafile=str(site.authority.ca))
        with urllib.request.urlopen(request, context=context, timeout=10) as answer:
            return json.load(answer)

    shelf = "/api/queues/%2F/shelf"
    assert ask("PUT", shelf, "ada") == {"name": "shelf", "vhost": "/"}
    assert "shelf" in [each["name"] for each in ask("GET", "/api/queues", "ada")]
    assert ask("GET", "/api/queues", "bob") == []
    for method, path in (("GET", shelf), ("PUT", shelf), ("DELETE", f"{shelf}/contents"), ("DELETE", shelf)):
        with pytest.raises(urllib.error.HTTPError, match="403"):
            ask(method, path, "bob")
    assert ask("DELETE", shelf, "ada")["messages"] == 0


def test_the_secret_of_the_run_stands_on_no_command_line_and_on_no_disk(site: Site) -> None:
    secrets = set()
    for process in site.running.family():
        found = process.environ()
        secrets |= {
            found[name] for name in ("PENSTOCK_RUN_SECRET", "PENSTOCK_SASL_PASSWORD") if name in found
        }
    (secret,) = secrets
    assert len(secret) > 30
    assert not any(
        secret in " ".join(process.cmdline()) for process in [*site.running.family(), psutil.Process()]
    )
    kept = [path for path in site.folder.rglob("*") if path.is_file()]
    assert kept and not any(secret.encode() in path.read_bytes() for path in kept)


def test_only_tls_is_spoken_where_the_world_connects_and_children_use_loopback(site: Site) -> None:
    ports = {c.laddr for p in site.running.family() for c in p.net_connections("tcp") if c.status == "LISTEN"}
    assert {address.ip for address in ports} == {"127.0.0.1"} and len(ports) == 5
    for address in ports:
        with pytest.raises(
            Exception, match=r"(?i)reset|refused|closed|400|disconnected|empty|BadStatusLine|timed|AMQP"
        ):
            urllib.request.urlopen(f"http://127.0.0.1:{address.port}/api/topics", timeout=5).read()


def test_a_password_is_taken_from_no_flag_and_from_no_terminal_that_is_none(tmp_path: Path) -> None:
    told = run("user", "add", "ada", "--data-dir", str(tmp_path), given="")
    assert told.returncode == 2 and "--password-file" in told.stderr
    assert run("user", "add", "ada", "--password", "secret", "--data-dir", str(tmp_path)).returncode == 2
    (tmp_path / "secret").write_text("line one\n")
    words = ("--password-file", str(tmp_path / "secret"), "--data-dir", str(tmp_path))
    assert json.loads(run("user", "add", "ada", *words, "--json").stdout)["user"] == "ada"
    found = file.read(tmp_path / file.FILE_NAME).users["ada"]
    assert re.match(r"\$scrypt\$", found.password) and set(found.scram) == {"SCRAM-SHA-256", "SCRAM-SHA-512"}
    for verb, more in (("deny", ()), ("revoke", ("--denial",))):
        done = run("user", verb, "ada", "all", "topic:x*", *more, "--data-dir", str(tmp_path), "--json")
        assert done.returncode == 0, done.stderr
    assert not file.read(tmp_path / file.FILE_NAME).users["ada"].rules
    assert run("user", "remove", "ada", "--data-dir", str(tmp_path)).returncode == 0
    assert run("user", "remove", "ada", "--data-dir", str(tmp_path)).returncode == 2
