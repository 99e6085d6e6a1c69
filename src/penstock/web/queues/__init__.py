"""/api/queues, /api/exchanges, /api/bindings, /api/vhosts: the paths and words of RabbitMQ's management API.

Importing this package registers its routes. What its tools and libraries ask of queues is answered; what concerns nodes,
users and policies is not there.
"""

from penstock.web.queues import bindings, exchanges, looking, messages, queues, vhosts

__all__ = ["bindings", "exchanges", "looking", "messages", "queues", "vhosts"]
