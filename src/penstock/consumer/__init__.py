"""Consumers that retry: each record handled, tried again later, or a dead letter; here or on any Kafka."""
