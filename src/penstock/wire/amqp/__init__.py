"""AMQP 0-9-1 with RabbitMQ's extensions: bytes to calls, answers to bytes."""
