"""Commits: when one is due, what it holds, and how it is written: in a transaction, or in order."""
