"""The Python clients' own integration suites, from their authors, against Kafka and penstock."""
