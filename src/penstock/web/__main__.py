"""``python -m penstock.web``: read the command line, run the web process."""

import argparse
import dataclasses
import logging
import sys
from typing import Any

import uvloop

from penstock.errors import PenstockError
from penstock.options import add_flags, given_flags, read
from penstock.tables.live import TableOptions
from penstock.tls import TlsOptions
from penstock.web.http.events import EventOptions
from penstock.web.http.guard import GuardOptions
from penstock.web.process import WebOptions, serve

SECTIONS: dict[str, tuple[str, type]] = {
    "tls": ("tls", TlsOptions),
    "guard": ("web", GuardOptions),
    "events": ("web", EventOptions),
    "tables": ("tables", TableOptions),
}


def parse(arguments: list[str]) -> WebOptions:
    """The options that a command line gives."""
    parser = argparse.ArgumentParser(prog="python -m penstock.web", description=__doc__)
    add_flags(parser, WebOptions, skip=SECTIONS)
    for section, options in SECTIONS.values():
        add_flags(parser, options, section)
    given = vars(parser.parse_args(arguments))
    parts: dict[str, Any] = {
        name: read(options, section, given_flags(given, options, section))
        for name, (section, options) in SECTIONS.items()
    }
    return dataclasses.replace(read(WebOptions, "", given_flags(given, WebOptions)), **parts)


def main() -> int:
    """The process's entrance."""
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    try:
        return uvloop.run(serve(parse(sys.argv[1:])))
    except PenstockError as error:
        print(f"penstock: {error}", file=sys.stderr, flush=True)
        return 2


if __name__ == "__main__":
    sys.exit(main())
