"""Add, list and remove users, and say what they may do; a running server takes it over at once."""

VERBS = ("add", "list", "password", "allow", "deny", "revoke", "remove")
