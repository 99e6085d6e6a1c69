"""Formats without a schema of their own: bytes as they are, comma-separated values, and what any text format writes as texts."""
