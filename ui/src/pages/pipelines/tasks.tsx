// The tasks of a file: what became of their calls, how many run, how long each took.
import type { Task } from "../../api/types";
import { count } from "../../format/number";
import { duration } from "../../format/time";
import { Grid, type GridColumn } from "../../parts/grid";

const taken = (t: Task): number => t.done + t.retried + t.dead_letters;
const each = (t: Task): string => (taken(t) ? duration((t.busy_s / taken(t)) * 1000) : "–");

const COLUMNS: readonly GridColumn<Task>[] = [
  { id: "name", title: "Task", cell: (t) => <span class="mono">{t.name}</span> },
  { id: "queue", title: "Queue", cell: (t) => <span class="mono">{t.queue}</span> },
  { id: "done", title: "Done", numeric: true, width: 90, cell: (t) => count(t.done) },
  { id: "retried", title: "Retried", numeric: true, width: 90, cell: (t) => count(t.retried) },
  { id: "dead", title: "Given up", numeric: true, width: 90, cell: (t) => <span title={`They lie in the queue ${t.dead_letter}`}>{count(t.dead_letters)}</span> },
  { id: "running", title: "Running", numeric: true, width: 90, cell: (t) => <span title={`At most ${t.concurrency} at once`}>{count(t.running)}</span> },
  { id: "each", title: "Each took", numeric: true, width: 100, wide: true, cell: each },
];

export function Tasks({ tasks }: { tasks: readonly Task[] }) {
  return (
    <section class="sheet">
      <header>
        <h2>Tasks</h2>
        <span class="push small faint">since the worker began them</span>
      </header>
      <Grid label="Tasks" rows={tasks} columns={COLUMNS} keyOf={(t) => `${t.queue} ${t.name}`} />
    </section>
  );
}
