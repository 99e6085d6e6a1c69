"""Nexmark's answers: penstock's equal Flink's, frozen, and DuckDB's, asked in the same run."""
