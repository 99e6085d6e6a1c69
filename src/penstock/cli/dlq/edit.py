"""Put a dead letter with another body in the place of one; the old one stays to be looked at.

penstock dlq edit orders.dlq 0:42 --value '{"id": 7}'
penstock dlq edit orders.dlq 0:42 --file body.json
penstock dlq edit orders.dlq 0:42
"""

import argparse
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from penstock.cli.connection import bootstrap_flag, with_client
from penstock.cli.output import note, show
from penstock.client import Client
from penstock.dlq import audit
from penstock.dlq.finding import source_of
from penstock.errors import PenstockError

COLUMNS = ("letter", "replaces")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which one, and its new body."""
    parser.add_argument("topic", metavar="TOPIC", help="the topic of dead letters: orders.dlq")
    parser.add_argument("letter", metavar="LETTER", help="its name: 0:42")
    body = parser.add_mutually_exclusive_group()
    body.add_argument("--value", metavar="TEXT", help="the new body")
    body.add_argument("--file", metavar="FILE", help="the new body, from a file; - for standard input")
    bootstrap_flag(parser)


def body_of(given: argparse.Namespace) -> bytes | None:
    """The new body by flags; None where it is to be written in an editor. Raises PenstockError."""
    if given.value is not None:
        return str(given.value).encode()
    if given.file is None:
        return None
    try:
        return sys.stdin.buffer.read() if given.file == "-" else Path(given.file).read_bytes()
    except OSError as error:
        raise PenstockError(f"cannot read {given.file}: {error.strerror}") from None


def written(body: bytes) -> bytes:
    """The body as the user leaves it in their editor ($VISUAL, $EDITOR); raises PenstockError where there is none."""
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not editor or not sys.stdin.isatty():
        raise PenstockError(
            "what is the new body?", remedy="give --value or --file, or set EDITOR to write it in an editor"
        )
    with tempfile.NamedTemporaryFile(prefix="dead-letter-", suffix=".txt") as file:
        file.write(body)
        file.flush()
        if subprocess.run([*shlex.split(editor), file.name], check=False).returncode:
            raise PenstockError("the editor ended with an error", remedy="nothing was changed")
        new = Path(file.name).read_bytes()
        # Editors end a file with a line feed, asked or not.
        return new if body.endswith(b"\n") else new.removesuffix(b"\n")


def run(given: argparse.Namespace) -> int:
    """Edit it; 1 where the body is as it was."""
    body = body_of(given)

    async def edit(client: Client) -> str:
        source = source_of(client, given.topic)
        old = await source.show(given.letter)
        new = written(old.letter.value or b"") if body is None else body
        if new == old.letter.value:
            return ""
        return await source.edit(given.letter, new, audit.who(client))

    name = with_client(given, edit)
    if not name:
        note("the body is as it was: nothing was done")
        return 1
    show([{"letter": name, "replaces": given.letter}], COLUMNS, given)
    return 0
