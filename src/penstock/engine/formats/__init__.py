"""Bytes to columns and back: Kafka's record batches outside, a format such as JSON inside."""
