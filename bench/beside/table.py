"""What was found beside a rival, as the tables of `docs/benchmarks.md`. Knows no figure's name; measures nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bench.beside.figures import Sides

Row = Sequence[str]


@dataclass(frozen=True)
class Rival:
    """Its name in the figures and for people; `told` is what is said of it and how, `better` where more is better."""

    name: str
    shown: str
    told: str
    better: str

    def markdown(self, found: dict[str, Any], tables: Iterable[str]) -> str:
        """The tables that have rows, with a line on where and when they come from, and what is missing."""
        machine = found["machine"]
        opening = (
            f"Medians of {found['runs']}, in turn, on {machine['cores']} cores ({machine['cpu']}), "
            f"{machine['memory_gb']} GB, Python {machine['python']}, {self.told.format(found[self.name])}; "
            f"{found['minutes']} minutes, load {machine['load']:.1f} at the begin. Ratios are penstock's figure "
            f"over {self.shown}'s: above 1 is better for {self.better}, below 1 for the rest."
        )
        troubles = [f"- {trouble.splitlines()[0]}" for trouble in found["troubles"]]
        missing = "\n".join(["Not measured:", "", *troubles]) if troubles else ""
        return "\n\n".join(part for part in (opening, *tables, missing) if part)

    def beside(self, *titles: str) -> Row:
        """The head of the cells of these figures."""
        return [cell for title in titles for cell in (title, self.shown, "ratio")]

    def cells(self, sides: Sides, *figures: str) -> Row:
        """Ours, theirs and the ratio, of each figure."""
        cells: list[str] = []
        for figure in figures:
            ours, theirs = (sides.get(side, {}).get(figure) for side in ("penstock", self.name))
            cells += [number(ours), number(theirs), f"**{ours / theirs:.2g}**" if ours and theirs else "-"]
        return cells


def number(value: float | None) -> str:
    """As exact as it is worth."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2g}"


def table(head: Row, rows: Iterable[Row]) -> str:
    """A table; empty without rows."""
    found = list(rows)
    lines = [head, ["---"] * len(head), *found] if found else []
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def rows(figures: dict[str, Sides], part: str) -> list[tuple[list[str], Sides]]:
    """What was measured of a part, its name cut at the slashes, in order."""
    found = [(what.split("/"), sides) for what, sides in figures.items()]
    chosen = [(what, sides) for what, sides in found if what[0] == part]
    return sorted(chosen, key=lambda row: [int(w.rstrip("%")) if w[0].isdigit() else w for w in row[0][1:]])
