"""The guide to pipelines in Python is true: its blocks run in order, and every method it names is there."""

import re
from pathlib import Path

import penstock
from penstock.dsl import Stream
from penstock.engine.operators.user.context import Context

GUIDE = (Path(__file__).parent.parent.parent / "docs" / "python.md").read_text()


def test_the_guide_s_blocks_run_in_order() -> None:
    scope: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL):
        exec(compile(block, "docs/python.md", "exec"), scope)
    assert {"app", "Burst", "score", "items"} <= scope.keys()


def test_every_method_that_the_guide_names_is_there() -> None:
    table = GUIDE.split("## Steps")[1].split("```")[0]
    named = set(re.findall(r"`\.(\w+)\(", table))
    assert named == {name for name in named if hasattr(Stream, name)} and len(named) > 12
    offered = {n for n in vars(Stream) if not n.startswith("_") and callable(getattr(Stream, n))}
    assert offered - named <= {"agg", "lateral", "map_batches", "process"}
    assert all(hasattr(Context, name) for name in re.findall(r"`ctx\.(\w+)", GUIDE))


def test_the_names_of_the_api_are_the_package_s() -> None:
    assert {"App", "col", "fn", "left", "now", "right"} <= set(penstock.__all__)
    assert all(getattr(penstock, name) is not None for name in penstock.__all__)
