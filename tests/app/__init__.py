"""The supervisor, its processes and the command line, started for real."""
