"""A real server beside ours: scenarios and clients' own suites, asked of both. Knows neither Kafka nor RabbitMQ."""
