"""The commands' own help as data and as Markdown: what docs/cli.md and the shells' completion are made of.

Knows argparse's parsers; knows no command.
"""

import argparse
from dataclasses import dataclass

from penstock.cli import main
from penstock.cli.connection import bootstrap_flag


@dataclass(frozen=True)
class Flag:
    """One argument: the words to write, what follows them, what it is for."""

    words: tuple[str, ...]
    value: str
    text: str


def flags_of(parser: argparse.ArgumentParser) -> list[Flag]:
    """A command's arguments in the order of its help, positional ones first; without -h."""
    found = []
    for action in sorted(parser._actions, key=lambda action: bool(action.option_strings)):
        if isinstance(action, argparse._HelpAction):
            continue
        choices = "{" + ",".join(map(str, action.choices)) + "}" if action.choices else ""
        takes = action.metavar or choices or action.dest.upper()
        value = "" if action.nargs == 0 or not action.option_strings else str(takes)
        found.append(
            Flag(tuple(action.option_strings) or (str(takes),), value, (action.help or "") % vars(action))
        )
    return found


def server_flags() -> list[Flag]:
    """The flags that every command has which speaks to a server."""
    parser = main.Parser()
    bootstrap_flag(parser)
    return flags_of(parser)


def markdown() -> str:
    """Every command with its examples and flags."""
    codes = "\n".join(f"| {code} | {what} |" for code, what in main.EXIT_CODES.items())
    parts = [
        "Every command takes `--json`: one JSON value a line on standard output, and errors as one JSON object on "
        "standard error. Flags may stand before or after what they belong to.",
        f"| exit code | means |\n|---|---|\n{codes}",
        "## Which server",
        "Commands that speak to a server, to penstock or any Kafka, take these too.",
        _table(server_flags()),
    ]
    for way in main.every_command():
        parts += [
            f"## penstock {' '.join(way)}",
            *_body(main.help_of(*way)),
            _table(_own(main.parser_of(*way))),
        ]
    return "\n\n".join(filter(None, parts))


def _own(parser: argparse.ArgumentParser) -> list[Flag]:
    """A command's flags without those that others have too."""
    flags, server = flags_of(parser), server_flags()
    known = [Flag(("--json",), "", ""), *(server if all(flag in flags for flag in server) else [])]
    return [flag for flag in flags if flag.words not in [each.words for each in known]]


def _body(text: str) -> list[str]:
    """A docstring's paragraphs, its examples as a block."""
    return [
        "```sh\n" + "\n".join(line.strip() for line in part.split("\n")) + "\n```" if _is_code(part) else part
        for part in text.split("\n\n")
    ]


def _is_code(part: str) -> bool:
    return part.lstrip().startswith(("penstock ", "eval "))


def _table(flags: list[Flag]) -> str:
    rows = [f"| `{' '.join((*flag.words, flag.value)).strip()}` | {_cell(flag.text)} |" for flag in flags]
    return "\n".join(["| argument | |", "|---|---|", *rows]) if rows else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")
