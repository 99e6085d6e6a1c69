"""The command line, as its users meet it: on penstock, and the same words on Apache Kafka."""
