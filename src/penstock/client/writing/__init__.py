"""Appends: lanes that keep a partition's order, the stamps of idempotent producers, transactions."""
