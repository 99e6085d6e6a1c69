"""The web process: the HTTP API, live tables, server-sent events, metrics and the console's files."""
