"""Others' programs over AMQP: Celery, amqplib for Node, RabbitMQ's Java client."""
