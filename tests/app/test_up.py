"""`penstock up`: ready fast, says what is ready where, stops whole, refuses clearly."""

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil

from penstock.testing.processes import BrokerProcess
from tests.app.running import running


def penstock(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "penstock.cli.main", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_up_says_what_is_ready_where_and_stops_whole_within_5_seconds(tmp_path: Path) -> None:
    with running("up", tmp_path) as up:
        up.until(r"✓ broker +127\.0\.0\.1:\d+")
        up.until(r"running; Ctrl-C stops")
        printed = "\n".join(up.lines)
        assert "http://127.0.0.1:" in printed
        assert "AMQP 0-9-1 (RabbitMQ) clients connect here" in printed
        family = up.family()
        assert len(family) >= 3
        assert up.stop() < 5
        assert up.process.returncode == 0
        assert not any(process.is_running() for process in family)


def test_the_broker_answers_within_2_seconds(tmp_path: Path) -> None:
    with running("up", tmp_path) as up:
        up.until(r"✓ broker")
        assert time.monotonic() - up.begun_s < 2


def test_killing_the_supervisor_leaves_no_orphan(tmp_path: Path) -> None:
    with running("up", tmp_path) as up:
        up.until(r"running; Ctrl-C stops")
        family = up.family()
        up.process.send_signal(signal.SIGKILL)
        up.process.wait()
        _, alive = psutil.wait_procs(family, timeout=6)
        assert alive == []


def test_a_killed_broker_comes_back_on_its_own(tmp_path: Path) -> None:
    with running("up", tmp_path) as up:
        up.until(r"running; Ctrl-C stops")
        broker = next(process for process in up.family() if "penstock.app.broker" in process.cmdline())
        broker.kill()
        up.until(r"broker +ended with code -9; starting it again")


def test_a_port_in_use_names_its_holder_and_the_remedy(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        ran = penstock("up", str(tmp_path), "--kafka", str(port), "--amqp", "off", "--http", "off")
    assert ran.returncode == 2
    assert f"port {port} on 127.0.0.1 is in use" in ran.stderr
    assert f"--kafka 127.0.0.1:{port + 1}" in ran.stderr


def test_an_address_others_can_reach_is_refused(tmp_path: Path) -> None:
    ran = penstock("up", str(tmp_path), "--kafka", "0.0.0.0:9092")
    assert ran.returncode == 2
    assert "takes both users and TLS" in ran.stderr


def test_a_data_directory_in_use_is_refused(tmp_path: Path) -> None:
    with BrokerProcess(tmp_path / ".penstock"):
        ran = penstock("up", str(tmp_path), "--kafka", "0", "--amqp", "off", "--http", "off")
    assert ran.returncode == 2
    assert "in use" in ran.stdout + ran.stderr


def test_an_unknown_setting_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    (tmp_path / "penstock.toml").write_text('kafkaa = "127.0.0.1:9092"\n')
    ran = penstock("up", str(tmp_path))
    assert ran.returncode == 2
    assert "unknown option" in ran.stderr
    assert "known here: " in ran.stderr


def test_a_missing_folder_is_refused_with_how_to_make_one(tmp_path: Path) -> None:
    ran = penstock("up", str(tmp_path / "nowhere"))
    assert ran.returncode == 2
    assert "penstock init" in ran.stderr
