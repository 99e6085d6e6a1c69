"""Queries within expressions: what IN and EXISTS ask (`where`), and those that give a value (`values`)."""
