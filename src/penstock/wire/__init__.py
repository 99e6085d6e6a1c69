"""The gateways: one folder a protocol, bytes to calls and results to bytes, without a socket or a clock."""
