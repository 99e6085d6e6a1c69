"""The command line: one file a command, all of one shape (docstring · arguments · run)."""
