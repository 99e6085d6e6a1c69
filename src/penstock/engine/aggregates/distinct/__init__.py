"""DISTINCT: what stands before an aggregate so that each value counts once."""
