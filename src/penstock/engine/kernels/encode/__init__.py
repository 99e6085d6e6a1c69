"""Columns to values: the writing kernels."""
