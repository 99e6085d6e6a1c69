"""The documentation is true: generated pages are fresh, links lead somewhere, the README's code runs."""

import re
from pathlib import Path

import pytest

from penstock.cli.docs import pages
from penstock.dsl import App
from penstock.sql import parse

ROOT = Path(__file__).parent.parent
PROSE = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


@pytest.mark.parametrize("name", sorted(pages()))
def test_a_generated_page_is_fresh(name: str) -> None:
    assert (ROOT / "docs" / name).read_text() == pages()[name], "run: make docs"


@pytest.mark.parametrize("page", PROSE, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    prose = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", prose)
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_readme_s_sql_and_python_make_the_same_plan() -> None:
    (script,) = blocks("sql")
    (program,) = blocks("python")
    scope: dict[str, object] = {}
    exec(program, scope)
    app = scope["app"]
    assert isinstance(app, App)
    by_sql, by_python = parse(script).sinks[0], app.plan().sinks[0]
    assert by_python.table.name == by_sql.table.name
    assert [column.name for column in by_python.table.schema] == ["card", "n", "total"]
