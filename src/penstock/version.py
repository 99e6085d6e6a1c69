"""Which version of penstock this is. Knows nothing else, so that every part may say it."""

__version__ = "0.1.0"
