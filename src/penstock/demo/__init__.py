"""The demo: this computer as an industrial machine, its own telemetry as the events."""
