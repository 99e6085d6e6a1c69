"""List, show, create, delete and purge queues; look at messages, and publish some."""

VERBS = ("list", "show", "create", "delete", "purge", "peek", "publish")
