"""Exchanges route, queues hold, channels lease and settle. The words are AMQP 0-9-1's, the behaviour is RabbitMQ 3.10's."""
