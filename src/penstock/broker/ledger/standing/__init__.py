"""What stands in the queues now, in columns: messages, who holds them, how much of the log they are."""
