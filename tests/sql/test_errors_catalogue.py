"""Every script of the catalogue is refused where its mark stands, with a reason and a remedy; the docs print what is said."""

import pytest

from penstock.cli.wrong_sql import HEAD, SCRIPTS, refusal

ALL = [marked for scripts in SCRIPTS.values() for marked in scripts]


@pytest.mark.parametrize("marked", ALL)
def test_a_wrong_script_is_refused_with_its_place_a_reason_and_a_remedy(marked: str) -> None:
    error = refusal(marked)
    before = HEAD + marked[: marked.index("^")]
    assert (error.line, error.column) == (before.count("\n") + 1, len(before) - before.rfind("\n"))
    assert error.place == "pipeline.sql"
    assert error.message
    assert error.remedy


def test_the_catalogue_is_large_and_says_nothing_twice() -> None:
    assert len(ALL) >= 60
    assert len(set(ALL)) == len(ALL)


def test_the_tables_it_is_about_are_right() -> None:
    with pytest.raises(AssertionError, match="this is taken"):
        refusal("INSERT INTO o SELECT k, n FROM t")
