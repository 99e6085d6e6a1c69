"""Five clients behind the same verbs, so that a feature is written once and tried with each."""

from tests.compatibility.clients.asyncio_python import Aiokafka
from tests.compatibility.clients.command_line import Kcat
from tests.compatibility.clients.confluent import Confluent
from tests.compatibility.clients.java import Java
from tests.compatibility.clients.pure_python import KafkaPython

CLIENTS = (Confluent, Kcat, KafkaPython, Aiokafka, Java)
"""In the order of the scorecard's columns."""
