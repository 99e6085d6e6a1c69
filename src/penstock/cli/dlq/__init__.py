"""Look at dead letters, edit them, send them back or give them up, here or on any Kafka."""

VERBS = ("list", "show", "edit", "redrive", "purge")
