"""``upsert-kafka``: a table by primary key, kept as a compacted topic; a null value deletes its key.

    CREATE TABLE machine_now (sensor STRING, mean DOUBLE, PRIMARY KEY (sensor) NOT ENFORCED) WITH (
      'connector' = 'upsert-kafka', 'topic' = 'machine_now', 'key.format' = 'json', 'value.format' = 'json')

Options: ``properties.bootstrap.servers`` names another Kafka; ``sink.delivery-guarantee`` as for ``kafka``; reading
always begins at the first record, so that the whole table is seen. Formats are the engine's. Source: Flink documentation, "Upsert Kafka SQL Connector".
"""

from penstock.engine.plan import Table
from penstock.work.connectors.kafka import KafkaSource
from penstock.work.connectors.kafka_sink import KafkaSink
from penstock.work.connectors.shape import Sink, Site, Source

COMPACTED = {"cleanup.policy": "compact", "segment.bytes": str(4 * 1024 * 1024)}
"""What is in a partition's last segment is not compacted, so a table's topic is this much larger than the table."""


class UpsertKafka:
    """The connector."""

    name = "upsert-kafka"

    def source(self, table: Table, site: Site) -> Source:
        """Read the table from its first record on."""
        return KafkaSource(table, site, "earliest-offset")

    def sink(self, table: Table, site: Site) -> Sink:
        """Write changes by key to a compacted topic, made with one partition when missing."""
        return KafkaSink(table, site, COMPACTED)
