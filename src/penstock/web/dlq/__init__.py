"""/api/dlq: dead letters over HTTP; importing this package registers its routes."""

from penstock.web.dlq import changes, letters

__all__ = ["changes", "letters"]
