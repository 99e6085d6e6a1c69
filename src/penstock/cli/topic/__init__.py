"""List, create, describe, configure and delete topics, here or on any Kafka."""

VERBS = ("list", "create", "describe", "configure", "delete")
