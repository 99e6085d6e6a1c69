"""The one driver: sockets, clocks and the disk thread, for every gateway. Knows no protocol."""
