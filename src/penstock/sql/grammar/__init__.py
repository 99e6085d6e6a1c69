"""Flink's grammar where sqlglot has none: statements read token by token, words within calls."""
