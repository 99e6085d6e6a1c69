"""Who gets along with penstock: clients by feature, their own test suites, Kafka's tools and frameworks."""
