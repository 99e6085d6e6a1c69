"""List live tables, print their rows, or watch them change, by the HTTP API."""

import argparse
import base64
import json
import os
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

from penstock.cli.output import show
from penstock.client.security import from_environment
from penstock.errors import PenstockError


def arguments(parser: argparse.ArgumentParser) -> None:
    """The verb, the table, and what to see of it."""
    parser.add_argument("verb", choices=("list", "get", "watch"), help="what to do")
    parser.add_argument("table", nargs="?", help="get, watch: the table's name")
    parser.add_argument("key", nargs="?", help="get: one row; the key's columns joined by commas")
    parser.add_argument(
        "--filter", action="append", default=[], metavar="COLUMN:OP:VALUE", help="eq ne lt le gt ge like"
    )
    parser.add_argument("--order", help="a column, or -column for descending")
    parser.add_argument("--limit", type=int, default=100, help="the most rows (default: 100)")
    default = os.environ.get("PENSTOCK_HTTP", "127.0.0.1:8080")
    parser.add_argument(
        "--http", default=default, metavar="HOST:PORT", help="the HTTP address (default %(default)s)"
    )


def ask(given: argparse.Namespace, path: str, accept: str = "application/json") -> Any:
    """An open response of the HTTP API; raises PenstockError with its words where it says no."""
    security = from_environment()
    scheme = "http" if security.context is None else "https"
    request = urllib.request.Request(f"{scheme}://{given.http}{path}", headers={"Accept": accept})
    if security.sasl_user:
        login = base64.b64encode(f"{security.sasl_user}:{security.sasl_password}".encode()).decode()
        request.add_header("Authorization", f"Basic {login}")
    seconds = None if accept != "application/json" else 30
    try:
        return urllib.request.urlopen(request, timeout=seconds, context=security.context)
    except urllib.error.HTTPError as error:
        said = json.loads(error.read() or b"{}")
        raise PenstockError(said.get("error", str(error)), remedy=said.get("remedy", "")) from None
    except OSError as error:
        raise PenstockError(
            f"nobody answers at {given.http}: {error}", remedy="start a server with: penstock up"
        ) from None


def list_tables(given: argparse.Namespace) -> None:
    """Every live table and its size."""
    show(json.load(ask(given, "/api/tables")), ("name", "rows", "key", "topic"), given)


def get(given: argparse.Namespace) -> None:
    """Rows of a table, or the one with a key."""
    path = f"/api/tables/{urllib.parse.quote(given.table)}"
    if given.key is not None:
        rows = [json.load(ask(given, f"{path}/{urllib.parse.quote(given.key, safe=',')}"))["row"]]
    else:
        query = [("filter", each) for each in given.filter] + [("limit", str(given.limit))]
        query += [("order", given.order)] if given.order else []
        rows = json.load(ask(given, f"{path}?{urllib.parse.urlencode(query)}"))["rows"]
    show(rows, tuple(rows[0]) if rows else ("row",), given)


def watch(given: argparse.Namespace) -> None:
    """Print every change as it comes, one JSON object a line."""
    path = f"/api/tables/{urllib.parse.quote(given.table)}/changes"
    for event, data in events(ask(given, path, "text/event-stream")):
        if event == "snapshot":
            for row in data["rows"]:
                print(json.dumps({"kind": "upsert", "row": row}), flush=True)
        elif event == "change":
            print(json.dumps(data), flush=True)


def events(response: Any) -> Iterator[tuple[str, Any]]:
    """Server-sent events: (name, the data's JSON)."""
    name, data = "message", ""
    for raw in response:
        line = raw.decode().rstrip("\r\n")
        if not line and data:
            yield name, json.loads(data)
            name, data = "message", ""
        elif line.startswith("event:"):
            name = line[6:].strip()
        elif line.startswith("data:"):
            data += line[5:].lstrip()


def run(given: argparse.Namespace) -> int:
    """Do the verb."""
    if given.verb != "list" and not given.table:
        raise PenstockError(
            f"table {given.verb} needs a table's name", remedy="penstock table list shows them"
        )
    {"list": list_tables, "get": get, "watch": watch}[given.verb](given)
    return 0
