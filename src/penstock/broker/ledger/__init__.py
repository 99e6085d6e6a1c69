"""What of the queues must last: messages, who holds them, settlements and definitions, in blocks of one topic.

`ledger.Ledger` is the entrance. Knows numbers of messages and of queues; knows no exchange, no channel and no protocol.
Nothing is imported here: who hands over `options` need not load the rest.
"""
