"""What the house rules let pass, with the reason. This list only shrinks."""

EXCEPTIONS: dict[tuple[str, str], str] = {
    ("parameters", "src/penstock/record.py:encode"): "a batch's header fields, each by its Kafka name",
    ("folder size", "src/penstock/cli"): "siblings of one shape: one file a command",
    ("folder size", "src/penstock/broker/transactions"): "siblings of one shape: one file a step or a call",
    ("folder size", "src/penstock/wire/kafka/api"): "siblings of one shape: one file an API",
}

CIRCLES: dict[tuple[str, ...], str] = {
    (
        "wire.amqp.api",
        "wire.amqp.api.basic",
        "wire.amqp.api.channel",
        "wire.amqp.api.connection",
        "wire.amqp.api.exchange",
        "wire.amqp.api.modes",
        "wire.amqp.api.own",
        "wire.amqp.api.queue",
        "wire.amqp.channel",
        "wire.amqp.confirms",
        "wire.amqp.opening",
        "wire.amqp.parser",
        "wire.amqp.registry",
        "wire.amqp.session",
        "wire.amqp.work",
    ): "to be untied",
}
"""Modules that import each other in a circle (types count), with the reason. This list only shrinks."""
