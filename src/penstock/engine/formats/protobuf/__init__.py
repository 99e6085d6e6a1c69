"""Protobuf in and out: messages of a ``.proto`` file that stands beside the script, or in it."""
