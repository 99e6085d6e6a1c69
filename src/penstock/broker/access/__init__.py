"""Who may do what, and who is who: each call held against the rules, logins checked, slowed down and counted."""

from penstock.broker.access.guard import guard, may_create, source_of

__all__ = ["guard", "may_create", "source_of"]
