"""Tries features with clients and says what became of each: the scorecard's cells."""

import re
from dataclasses import dataclass

from tests.compatibility.clients.verbs import Client, NotOffered, Place
from tests.compatibility.features import Feature

PASS, FAIL, NONE = "pass", "fail", "none"


@dataclass(frozen=True)
class Cell:
    """`reason` is empty for a pass, else the error in one line or what the client lacks."""

    verdict: str
    reason: str = ""


def attempt(feature: Feature, client: Client) -> Cell:
    """One feature with one client; every error is a verdict."""
    try:
        feature.tried(client, name_of(feature, client))
    except NotOffered as lacking:
        return Cell(NONE, str(lacking))
    except Exception as error:
        said = " ".join(str(error).split()) or type(error).__name__
        return Cell(FAIL, said[:160])
    return Cell(PASS)


def name_of(feature: Feature, client: Client) -> str:
    """A name for topics and groups that no other cell uses."""
    return re.sub(r"[^a-z0-9]+", "-", f"{client.name} {feature.name}".lower())


def column(kind: type[Client], rows: list[Feature], places: dict[str, Place]) -> dict[str, Cell]:
    """All rows with one client, by the feature's name; connections are shared by the rows of one place."""
    if missing := kind.missing():
        return {row.name: Cell(NONE, missing) for row in rows}
    cells: dict[str, Cell] = {}
    for need in dict.fromkeys(row.needs for row in rows):
        client = kind(places[need])
        try:
            cells |= {row.name: attempt(row, client) for row in rows if row.needs == need}
        finally:
            client.close()
    return cells
