"""kombu's and aio-pika's own tests, from their source archives, on RabbitMQ and on penstock."""
