"""Calls the task with a RabbitMQ client: a message of JSON is the one argument of its queue's one task.

python send_with_pika.py linus@example.org
"""

import json
import os
import sys

import pika

host, _, port = os.environ.get("PENSTOCK_AMQP", "127.0.0.1:5672").partition(":")
with pika.BlockingConnection(pika.ConnectionParameters(host, int(port))) as connection:
    channel = connection.channel()
    channel.queue_declare("emails", durable=True)
    for user in sys.argv[1:]:
        persistent = pika.BasicProperties(content_type="application/json", delivery_mode=2)
        channel.basic_publish("", "emails", json.dumps(user), persistent)
        print(f"sent: {user}")
