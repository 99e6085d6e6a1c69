"""Calls the task from another program: now, and in a second. Where the broker is, PENSTOCK_AMQP says.

python send.py
"""

from pipelines.emails import welcome

welcome.send("ada@example.org")
welcome.send_later("1s", "grace@example.org")
print("sent: ada@example.org, and in a second grace@example.org")
