"""Measurements and comparisons; never part of the unit run."""
