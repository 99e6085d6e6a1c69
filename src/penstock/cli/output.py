"""How commands print: aligned columns for people, one JSON value a line for programs, notes on standard error.

Knows nothing of any command. What came over the network is made harmless to a terminal.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_CONTROL_IN_JSON = re.compile(r"[\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def show(rows: Iterable[Mapping[str, Any]], columns: Sequence[str], given: argparse.Namespace) -> None:
    """Print rows: with --json one object a line, else the `columns`, aligned, numbers to the right."""
    if given.json:
        for row in rows:
            print(json_of(row), flush=True)
        return
    lines = [list(columns)] + [[text_of(row.get(column)) for column in columns] for row in rows]
    right = [all(_is_number(line[index]) for line in lines[1:]) for index in range(len(columns))]
    widths = [max(len(line[index]) for line in lines) for index in range(len(columns))]
    for line in lines:
        cells = [
            cell.rjust(w) if to_right else cell.ljust(w)
            for cell, w, to_right in zip(line, widths, right, strict=True)
        ]
        print("  ".join(cells).rstrip())


def note(text: str) -> None:
    """Say something beside the output: on standard error."""
    print(f"penstock: {text}", file=sys.stderr, flush=True)


def json_of(value: Any) -> str:
    """One line of JSON: UTF-8 as it is, but nothing that steers a terminal."""
    text = json.dumps(value, default=str, ensure_ascii=False)
    return _CONTROL_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def text_of(value: Any) -> str:
    """A cell: empty for nothing, JSON for what has parts."""
    if value is None:
        return ""
    if isinstance(value, dict | list):
        return json_of(value)
    return f"{value:.3f}" if isinstance(value, float) else visible(str(value)).replace("\n", "\\n")


def visible(text: str) -> str:
    """The text with what would steer a terminal as escapes; line feeds and tabs stay."""
    return _CONTROL.sub(lambda found: repr(found[0])[1:-1], text)


def counted(number: int, one: str) -> str:
    """``1 record``, ``1,234 records``."""
    return f"{number:,} {one}" + ("" if number == 1 else "s")


def size_text(size: int | None) -> str:
    """Bytes for people: ``0 B``, ``1.5 kB``, ``12 MB``."""
    if size is None:
        return ""
    value, units = float(size), ["B", "kB", "MB", "GB", "TB", "PB"]
    while value >= 999.5 and len(units) > 1:
        value, units = value / 1000, units[1:]
    return f"{value:.0f} {units[0]}" if units[0] == "B" or value >= 9.95 else f"{value:.1f} {units[0]}"


def text_of_bytes(value: bytes | None) -> str | None:
    """A key or value for showing: UTF-8 where it is, else escaped bytes."""
    return None if value is None else value.decode("utf-8", errors="backslashreplace")


def _is_number(cell: str) -> bool:
    return not cell or cell.replace(".", "", 1).lstrip("-").isdecimal() or cell.endswith(("B", "%"))
