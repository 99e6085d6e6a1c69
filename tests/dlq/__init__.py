"""Dead letters: what they look like, and list, show, edit, redrive and purge by command, HTTP and console."""
