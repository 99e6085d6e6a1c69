"""House rules that are executed: sizes, names, first sentences, nobody's files, siblings too alike.

Exceptions stand in `tidy_exceptions.py`, each with its reason, and only shrink.
"""

import ast
import difflib
import itertools
import re
import subprocess
from pathlib import Path

import pytest

from penstock.cli.main import every_command
from tests.circles import arrows, circles
from tests.tidy_exceptions import EXCEPTIONS

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "penstock"
BANNED = re.compile(
    r"(^|_)(manager|helper|helpers|util|utils|common|base|core|misc|impl|service|handler|factory)s?(_|$)"
)
BANNED_CLASS = re.compile(r"(Manager|Helper|Util|Utils|Common|Base|Core|Misc|Impl|Service|Handler|Factory)$")


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split("\n")  # fmt: skip
    return [ROOT / name for name in listed if name and (ROOT / name).exists()]


def excepted(rule: str, name: str) -> bool:
    return (rule, name) in EXCEPTIONS


PYTHON = tracked("*.py")
MODULES = [path for path in PYTHON if path.is_relative_to(SOURCE)]
HAND_WRITTEN = PYTHON + tracked("*.ts", "*.tsx", "*.svelte", "*.css")
TREES = {path: ast.parse(path.read_text()) for path in PYTHON}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def dotted(path: Path) -> str:
    """As imports name it."""
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def functions(tree: ast.AST) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
    return (node.body[-1].end_lineno or 0) - body[0].lineno + 2


def test_no_file_is_over_500_lines() -> None:
    long = [name_of(p) for p in HAND_WRITTEN if len(p.read_text().splitlines()) > 500]
    assert [name for name in long if not excepted("file length", name)] == []


def test_no_function_is_over_70_lines() -> None:
    long = [f"{name_of(p)}:{f.name}" for p, tree in TREES.items() for f in functions(tree) if length(f) > 70]
    assert [name for name in long if not excepted("function length", name)] == []


def test_no_function_takes_more_than_7_parameters() -> None:
    many = [
        f"{name_of(path)}:{f.name}"
        for path in MODULES
        if "kernels" not in path.parts  # compiled loops take flat arrays, one by one
        for f in functions(TREES[path])
        if len(
            [
                a
                for a in (*f.args.posonlyargs, *f.args.args, *f.args.kwonlyargs)
                if a.arg not in ("self", "cls")
            ]
        )
        > 7
    ]
    assert [name for name in many if not excepted("parameters", name)] == []


def test_no_folder_holds_more_than_12_entries() -> None:
    folders: dict[Path, set[str]] = {}
    for path in tracked("src/penstock/*", "ui/*"):
        folder = path.parent
        while folder not in (ROOT, SOURCE):
            folders.setdefault(folder, set()).add(path.relative_to(folder).parts[0])
            folder = folder.parent
    full = [name_of(f) for f, entries in folders.items() if len(entries - {"__init__.py"}) > 12]
    assert [name for name in full if not excepted("folder size", name)] == []


def test_no_name_says_nothing() -> None:
    bad = [name_of(p) for p in HAND_WRITTEN if BANNED.search(p.stem)]
    for path in MODULES:
        classes = [node.name for node in ast.walk(TREES[path]) if isinstance(node, ast.ClassDef)]
        bad += [f"{name_of(path)}:{name}" for name in classes if BANNED_CLASS.search(name)]
    assert [name for name in bad if not excepted("name", name)] == []


@pytest.mark.parametrize("path", PYTHON, ids=name_of)
def test_a_module_opens_with_what_it_is(path: Path) -> None:
    words = ast.get_docstring(TREES[path])
    assert words or not path.read_text().strip(), "a module begins with a docstring"
    assert words is None or words.split("\n")[0].strip(), "the first line is a sentence"


def test_every_module_is_imported_by_someone() -> None:
    imported = {".".join(("penstock.cli", *words)) for words in every_command()}
    for path, tree in TREES.items():
        package = (
            list(path.relative_to(SOURCE.parent).with_suffix("").parts) if path.is_relative_to(SOURCE) else []
        )
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                at = ".".join(package[: len(package) - node.level]) + "." if node.level else ""
                module = at + (node.module or "")
                imported |= {module.strip(".")} | {
                    f"{module}.{alias.name}".strip(".") for alias in node.names
                }
            elif (
                isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and node.value.startswith("penstock.")
            ):
                imported |= {node.value, node.value.split(":")[0]}
    lonely = [
        name_of(path)
        for path in MODULES
        if path.name not in ("__init__.py", "__main__.py") and dotted(path) not in imported
    ]
    assert [name for name in lonely if not excepted("lonely", name)] == []


def test_imports_do_not_go_in_circles() -> None:
    packages = {dotted(path) for path in MODULES if path.name == "__init__.py"}
    found = circles(arrows({dotted(path): TREES[path] for path in MODULES}, packages))
    assert found == [], (
        "let the lower file say what it asks of the upper one, or move what both use below them"
    )


def test_a_circle_is_found_wherever_its_imports_stand() -> None:
    texts = {
        "p": "",
        "p.a": "from p.b import x",
        "p.b": "def f():\n    from . import c",
        "p.c": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import p.a",
        "p.d": "from p import a",
        "p.e.f": "from ..d import y\nfrom .g import z",
        "p.e.g": "import p.e.f",
    }
    trees = {name: ast.parse(text) for name, text in texts.items()}
    assert circles(arrows(trees, {"p", "p.e"})) == [["p.a", "p.b", "p.c"], ["p.e.f", "p.e.g"]]


def test_siblings_are_not_copies_of_each_other() -> None:
    alike = []
    folders = itertools.groupby(sorted(MODULES, key=lambda p: p.parent.as_posix()), key=lambda p: p.parent)
    for _, files in folders:
        lines = {p: [line.strip() for line in p.read_text().splitlines() if line.strip()] for p in files}
        large = [p for p, text in lines.items() if len(text) > 100]
        for one, other in itertools.combinations(large, 2):
            match = difflib.SequenceMatcher(None, lines[one], lines[other], autojunk=False)
            if match.real_quick_ratio() > 0.4 and match.quick_ratio() > 0.4 and match.ratio() > 0.4:
                alike.append(f"{name_of(one)} ~ {name_of(other)}")
    assert [pair for pair in alike if not excepted("alike", pair)] == []


def test_exceptions_are_still_needed() -> None:
    places = {name_of(p) for p in HAND_WRITTEN} | {name_of(p.parent) for p in HAND_WRITTEN}
    for (_, name), reason in EXCEPTIONS.items():
        assert reason, f"{name}: an exception has a reason"
        assert name.split(":")[0].split(" ~ ")[0] in places, f"{name} is gone: drop its exception"


def test_the_repository_speaks_of_the_project_alone() -> None:
    bad = re.compile(r"(/work/|/root/|registry\.npmjs|files\.pythonhosted|repo1?\.maven)")
    texts = tracked(
        "*.py", "*.md", "*.ts", "*.tsx", "*.json", "*.toml", "*.yml", "*.sql", "Makefile", ".ci/*"
    )
    found = [name_of(p) for p in texts if p != Path(__file__) and bad.search(p.read_text(errors="replace"))]
    assert found == []
