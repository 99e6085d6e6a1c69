"""The methods, one file a class: importing them fills the table of `registry`."""

from penstock.wire.amqp.api import basic, channel, connection, exchange, modes, own, queue

__all__ = ["basic", "channel", "connection", "exchange", "modes", "own", "queue"]
