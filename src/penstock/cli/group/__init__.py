"""List, describe, move and delete consumer groups, here or on any Kafka."""

VERBS = ("list", "describe", "seek", "delete")
