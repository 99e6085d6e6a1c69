"""What is declared: virtual hosts with their exchanges, queues and bindings; what of it lasts, and how much there may be."""
