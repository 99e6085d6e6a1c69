"""A plan as it runs, as indented text: after the engine's rules, each operator chosen, what each scan decodes.

Compiles the plan as a worker would, so that what cannot run is refused here with the same words. Knows no data.
"""

from dataclasses import dataclass

from penstock.engine.job import Job
from penstock.engine.operators.scan import ReadTable
from penstock.engine.plan import Filter, Plan, Project, Sink, Table
from penstock.sql.explain import explain, line_of


def execution(plan: Plan) -> str:
    """Each sink with the operators that feed it, sources deepest. What several read is written once and numbered.

    Raises `PenstockError` for what the engine cannot run.
    """
    tree = _Tree(Job(plan))
    lines: list[str] = []
    for number, sink in enumerate(plan.sinks):
        lines.append(_sink(sink))
        lines += tree.below(tree.writers[number], 1)
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Explained:
    """A plan as it was written, and as it runs."""

    written: str
    running: str

    @staticmethod
    def of(plan: Plan) -> "Explained":
        """Raises `PenstockError` for what cannot run."""
        return Explained(explain(plan), execution(plan))


class _Tree:
    def __init__(self, job: Job) -> None:
        self.vertices = job.graph.vertices
        self.writers = {sink: n for n, vertex in enumerate(self.vertices) for sink in vertex.sinks}
        uses = [len(vertex.readers) + len(vertex.sinks) for vertex in self.vertices]
        shared = [n for n, count in enumerate(uses) if count > 1]
        self.names = {n: place for place, n in enumerate(shared, 1)}
        self.written: set[int] = set()

    def below(self, number: int, depth: int) -> list[str]:
        """An operator and all it reads from."""
        vertex, indent = self.vertices[number], "  " * depth
        name = f"({self.names[number]}) " if number in self.names else ""
        if number in self.written:
            return [f"{indent}{name}again"]
        self.written.add(number)
        operator = vertex.operator
        if isinstance(operator, ReadTable):
            return [f"{indent}{name}{_scan(operator)}"]
        what = " → ".join(line_of(node) for node in reversed(vertex.nodes))
        plain = all(isinstance(node, Filter | Project) for node in vertex.nodes)
        lines = [f"{indent}{name}{what if plain else f'{operator.name}: {what}'}"]
        for one in vertex.inputs:
            lines += self.below(one, depth + 1)
        return lines


def _sink(sink: Sink) -> str:
    key = f" key ({', '.join(sink.table.key)})" if sink.table.key else ""
    return (
        f"Sink {sink.table.name} [{_connector(sink.table)}]{key}{' changes' if sink.source.changes else ''}"
    )


def _scan(operator: ReadTable) -> str:
    table = operator.table
    form = table.options.get("value.format") or table.options.get("format")
    verb = f"decodes {form}" if "kafka" in table.connector else "makes"
    columns = ", ".join(f"{column.name} {column.kind}" for column in operator.fields)
    also = [name for name, _ in operator.metadata if name in operator.names]
    return (
        f"scan {table.name} [{_connector(table)}], {verb}: {columns}"
        + (f"; metadata: {', '.join(also)}" if also else "")
        + f"; {len(operator.fields)} of {len(table.schema)} columns"
        + (f"; only rows where {' AND '.join(map(str, operator.tests))}" if operator.tests else "")
    )


def _connector(table: Table) -> str:
    return f"{table.connector} {table.topic}" if "kafka" in table.connector else table.connector
