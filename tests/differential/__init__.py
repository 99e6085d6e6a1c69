"""The same calls against Apache Kafka and against penstock; what a client can see must be equal."""
