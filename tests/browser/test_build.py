"""The build hook: when it builds, with which Node, and what it says when it cannot."""

import importlib.util
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("hatchling", reason="hatchling builds the package; it is not installed here")
ROOT = Path(__file__).parents[2]


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Any:
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.delenv("PENSTOCK_SKIP_UI", raising=False)
    return module


def built(hook: Any, root: Path) -> Any:
    """A hook over a copy of the sources, with a bundle that was made from them."""
    shutil.copytree(ROOT / "ui", root / "ui", ignore=shutil.ignore_patterns("node_modules", "mock", "test"))
    static = root / hook.STATIC
    static.mkdir(parents=True)
    (static / "index.html").write_text("<!doctype html>")
    (static / hook.STAMP).write_text(hook.fingerprint(root / "ui") + "\n")
    return hook.ConsoleHook(str(root), {}, None, None, str(root), "wheel")


@pytest.mark.parametrize(
    ("version", "good"),
    [("v20.19.0", True), ("v20.18.9", False), ("v18.20.0", False), ("v21.7.0", False), ("v22.11.0", False),
     ("v22.12.0", True), ("v24.1.0", True), ("", False), ("node: not found", False)],
)  # fmt: skip
def test_a_node_fits_when_vite_runs_on_it(hook: Any, version: str, good: bool) -> None:
    assert hook.fits(version) is good


def test_a_bundle_of_these_very_sources_is_kept_and_a_changed_source_makes_it_due(
    hook: Any, tmp_path: Path
) -> None:
    made = built(hook, tmp_path)
    assert not made.due()
    (tmp_path / "ui" / "src" / "main.tsx").write_text("// changed")
    assert made.due()


def test_nothing_is_due_when_it_is_to_be_skipped_or_there_are_no_sources(
    hook: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = built(hook, tmp_path)
    shutil.rmtree(made.static)
    assert made.due()
    monkeypatch.setenv("PENSTOCK_SKIP_UI", "1")
    assert not made.due()
    monkeypatch.delenv("PENSTOCK_SKIP_UI")
    shutil.rmtree(made.ui)
    assert not made.due()


def test_without_a_node_the_wheel_is_asked_for(
    hook: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = built(hook, tmp_path)
    monkeypatch.setattr(hook, "installed_node", lambda: None)
    assert made.dependencies() == []
    (made.static / hook.STAMP).unlink()
    assert made.dependencies() == [hook.WHEEL]


def test_a_failure_shows_its_last_lines_and_what_to_do(hook: Any, tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as failed:
        hook.run(["sh", "-c", "echo no such registry >&2; exit 3"], tmp_path, ["/usr/bin/node"])
    said = str(failed.value)
    assert "no such registry" in said and "PENSTOCK_SKIP_UI=1" in said and "nodejs.org" in said


def test_the_lock_file_names_no_place_to_download_from() -> None:
    text = (ROOT / "ui" / "package-lock.json").read_text()
    assert '"resolved"' not in text and "registry" not in text
    listed = subprocess.run(
        ["git", "ls-files", "src/penstock/web/static"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert listed.stdout == "", "no bundle is committed"
