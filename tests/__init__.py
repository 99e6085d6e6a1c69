"""The tests, part by part; `pytest` runs them all."""
