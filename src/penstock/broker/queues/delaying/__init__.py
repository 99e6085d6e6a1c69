"""Messages and records that wait for a moment before they go their way."""
