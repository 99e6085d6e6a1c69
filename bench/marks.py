"""Tables that measurements write, put between two marks of docs/benchmarks.md. Knows no measurement."""

from pathlib import Path

DOCUMENT = Path(__file__).parents[1] / "docs" / "benchmarks.md"


def of(name: str) -> tuple[str, str]:
    """The lines between which the tables of `name` stand."""
    return f"<!-- {name}: written by python -m bench.{name} --docs -->", f"<!-- {name} ends -->"


def fill(name: str, text: str, doc: Path = DOCUMENT) -> None:
    """Put it between the marks of `name`; raises ValueError where they are missing."""
    begin, end = of(name)
    before, mark, rest = doc.read_text().partition(begin)
    _, found, after = rest.partition(end)
    if not mark or not found:
        raise ValueError(f"{doc} has no place for the tables: {begin} … {end}")
    doc.write_text(f"{before}{begin}\n{text}\n{end}{after}")
