"""Kafka's own command-line tools, from its jars, against penstock."""
