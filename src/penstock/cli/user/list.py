"""List users and roles with their rules."""

import argparse

from penstock.cli.output import show
from penstock.cli.user.flags import place_flags, place_of
from penstock.users import file
from penstock.users.directory import Role, User


def arguments(parser: argparse.ArgumentParser) -> None:
    """Where the file is."""
    place_flags(parser)


def row(one: User | Role) -> dict[str, object]:
    """A user or a role as it is shown; no hash, no key."""
    rules = [str(rule) for rule in one.rules]
    if isinstance(one, Role):
        return {"name": f"role:{one.name}", "roles": [], "login": "", "rules": rules}
    ways = (["PLAIN"] if one.password else []) + sorted(one.scram)
    return {
        "name": one.name,
        "roles": list(one.roles),
        "login": " ".join(ways) or "certificate",
        "rules": rules,
    }


def run(given: argparse.Namespace) -> int:
    """Print them; a rule a line."""
    found = file.read(place_of(given))
    everyone: list[User | Role] = [*found.roles.values(), *found.users.values()]
    rows = [row(one) for one in everyone]
    lines: list[dict[str, object]] = []
    for each, one in zip(rows, everyone, strict=True):
        shown = {**each, "roles": " ".join(one.roles) if isinstance(one, User) else ""}
        rules = [str(rule) for rule in one.rules] or [""]
        lines += [{**(shown if at == 0 else {}), "rule": rule} for at, rule in enumerate(rules)]
    show(rows if given.json else lines, ("name", "roles", "login", "rule"), given)
    return 0
