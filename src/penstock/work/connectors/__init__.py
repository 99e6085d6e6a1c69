"""The connectors by their Flink names, and the check of a table's options that all of them share."""

from penstock.engine.plan import Table
from penstock.errors import PenstockError
from penstock.sql.ddl import options
from penstock.work.connectors.blackhole import Blackhole
from penstock.work.connectors.datagen import Datagen
from penstock.work.connectors.kafka import Kafka
from penstock.work.connectors.print_ import Print
from penstock.work.connectors.shape import Connector
from penstock.work.connectors.upsert_kafka import UpsertKafka

CONNECTORS: dict[str, Connector] = {
    c.name: c for c in (Kafka(), UpsertKafka(), Datagen(), Print(), Blackhole())
}


def connector_of(table: Table) -> Connector:
    """The connector behind a table, its options checked. Raises PenstockError with what it takes instead.

    SQL was checked as it was parsed, with line and column; tables made in Python are checked here.
    """
    try:
        options.check(table.options, {})
    except PenstockError as error:
        raise PenstockError(
            f"table {table.name}: {error.message}", remedy=error.remedy, place=error.place
        ) from None
    return CONNECTORS[table.connector]
