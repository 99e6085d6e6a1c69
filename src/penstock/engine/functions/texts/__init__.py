"""Functions of texts, one file a family."""
