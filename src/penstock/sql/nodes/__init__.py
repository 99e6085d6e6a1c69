"""Plan nodes, made with their checks: SQL's clauses and the Python API both build queries with these."""
