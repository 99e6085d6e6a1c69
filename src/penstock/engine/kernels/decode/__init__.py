"""Decoders: one compiled walk per format, driven by a table of columns, so that no schema costs a compilation."""
