"""Real Kafka clients against the real server."""
