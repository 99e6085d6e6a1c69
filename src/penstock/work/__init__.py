"""The worker process: hosts pipelines, moves their records between Kafka and the engine, keeps their state."""
