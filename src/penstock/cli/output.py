"""How commands print: aligned columns for people, one JSON value a line for programs."""

import argparse
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def show(rows: Iterable[Mapping[str, Any]], columns: Sequence[str], given: argparse.Namespace) -> None:
    """Print rows: with --json one object a line, else the `columns`, aligned, numbers to the right."""
    if given.json:
        for row in rows:
            print(json.dumps(row, default=str), flush=True)
        return
    lines = [list(columns)] + [[text_of(row.get(column)) for column in columns] for row in rows]
    widths = [max(len(line[index]) for line in lines) for index in range(len(columns))]
    for line in lines:
        cells = [
            cell.rjust(w) if _is_number(cell) else cell.ljust(w) for cell, w in zip(line, widths, strict=True)
        ]
        print("  ".join(cells).rstrip())


def text_of(value: Any) -> str:
    """A cell: empty for nothing, JSON for what has parts."""
    if value is None:
        return ""
    if isinstance(value, dict | list):
        return json.dumps(value)
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _is_number(cell: str) -> bool:
    return cell.replace(".", "", 1).lstrip("-").isdecimal()


def text_of_bytes(value: bytes | None) -> str | None:
    """A key or value for showing: UTF-8 where it is, else escaped bytes."""
    return None if value is None else value.decode("utf-8", errors="backslashreplace")
