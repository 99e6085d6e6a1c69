"""Where messages enter: exchanges, their bindings, and the way of a message through them to queues."""
