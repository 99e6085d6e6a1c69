"""Operators that look at one batch and keep nothing."""
