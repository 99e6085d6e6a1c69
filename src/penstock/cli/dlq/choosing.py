"""The flags that say which dead letters a command means, and how far it is with them. Knows no verb."""

import argparse
import time
from collections.abc import Callable

from penstock.cli import moments
from penstock.cli.output import note, show
from penstock.cli.progress import Progress
from penstock.dlq.source import WAITING, Filter, Outcome
from penstock.errors import PenstockError

OUTCOME = ("operation", "what", "state", "matched", "done", "skipped", "to")


def filter_flags(parser: argparse.ArgumentParser) -> None:
    """``--reason``, ``--exception``, …: letters that match all that is given."""
    some = parser.add_argument_group("which letters (those that match all of these)")
    some.add_argument("--reason", default="", help="failed, refused, undecodable, rejected, expired, …")
    some.add_argument("--exception", default="", metavar="CLASS", help="ValueError, or its full name")
    some.add_argument("--owner", default="", metavar="NAME", help="the group or table that failed on it")
    some.add_argument("--key", help="letters with exactly this key")
    some.add_argument("--contains", default="", metavar="TEXT", help="letters whose body holds this text")
    some.add_argument("--since", metavar="TIME", help="failed last at or after: 2026-11-22T11:00, -1h")
    some.add_argument("--until", metavar="TIME", help="failed last before it")


def choice_flags(parser: argparse.ArgumentParser) -> None:
    """A topic, letters of it by name or by filter, ``--all``, ``--dry-run``, ``--yes``."""
    parser.add_argument("topic", metavar="TOPIC", help="the topic of dead letters: orders.dlq")
    parser.add_argument("names", nargs="*", metavar="LETTER", help="by name: 0:42")
    parser.add_argument("--all", action="store_true", help="all letters that wait")
    filter_flags(parser)
    parser.add_argument("--dry-run", action="store_true", help="count them, do nothing")
    parser.add_argument("--yes", action="store_true", help="do not ask")


def filter_of(given: argparse.Namespace, states: frozenset[str] = frozenset({WAITING})) -> Filter:
    """What the flags mean."""
    return Filter(
        frozenset(getattr(given, "names", ())),
        given.reason,
        given.exception,
        given.owner,
        given.key,
        given.contains,
        _time(given.since, "--since"),
        _time(given.until, "--until"),
        states,
    )


def chosen(given: argparse.Namespace) -> Filter:
    """As `filter_of`; raises PenstockError where nothing says which, and not ``--all`` either."""
    wanted = filter_of(given)
    if wanted == Filter() and not given.all:
        raise PenstockError(
            f"which letters of {given.topic}?",
            remedy="name them (0:42), filter them (--reason failed), or give --all",
        )
    return wanted


def watching(what: str) -> tuple[Progress, Callable[[Outcome], None]]:
    """A line of progress, and what to call with how far it is."""
    progress = Progress(what)

    def told(outcome: Outcome) -> None:
        progress.total = outcome.total or None
        progress.at(outcome.read)

    return progress, told


def tell(outcome: Outcome, given: argparse.Namespace) -> int:
    """Print what came of it; the exit code."""
    row = {
        "operation": outcome.operation,
        "what": f"{outcome.what} (dry run)" if outcome.dry_run and not given.json else outcome.what,
        "state": outcome.state,
        "matched": outcome.matched,
        "done": outcome.done,
        "skipped": dict(outcome.skipped) if given.json else outcome.skipped.total(),
        "to": dict(outcome.targets) if given.json else ", ".join(sorted(outcome.targets)),
    }
    if given.json:
        row["dry_run"] = outcome.dry_run
    show([row], OUTCOME, given)
    if not given.json:
        for why, count in outcome.skipped.most_common():
            note(f"{count:,} left: {why}")
    return 0 if outcome.state == "done" else 1


def time_text(at_ms: int) -> str:
    """A time as lists show it, this computer's; empty for none."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at_ms / 1000)) if at_ms > 0 else ""


def _time(text: str | None, flag: str) -> int:
    if text is None:
        return 0
    found = moments.moment(text, flag)
    if found.kind != "time":
        raise PenstockError(
            f"{flag} {text} is no time", remedy="as in 2026-11-22T11:00, or -1h for an hour ago"
        )
    return found.number
