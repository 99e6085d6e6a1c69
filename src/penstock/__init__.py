"""penstock: the real-time stack in one command."""

__version__ = "0.1.0"
