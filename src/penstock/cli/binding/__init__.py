"""List, create and delete bindings of exchanges to queues and to other exchanges."""

VERBS = ("list", "create", "delete")
