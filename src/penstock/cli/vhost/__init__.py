"""List, create and delete virtual hosts: worlds of queues that know nothing of each other."""

VERBS = ("list", "create", "delete")
