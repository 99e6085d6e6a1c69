"""AMQP 0-9-1: the gateway, and clients and servers of others."""
