"""Stop and start pipelines, with savepoints, wherever their worker runs."""

VERBS = ("stop", "start")
