"""Formats without a schema of their own: bytes as they are, and comma-separated values."""
