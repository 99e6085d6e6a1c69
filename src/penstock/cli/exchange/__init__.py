"""List, create and delete exchanges."""

VERBS = ("list", "create", "delete")
