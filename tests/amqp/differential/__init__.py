"""The same asked of RabbitMQ and of penstock, frame by frame."""
