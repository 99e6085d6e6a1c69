// The tasks of a file: what became of their calls, how many run, how long each took.
import type { Task } from "../../api/types";
import { count } from "../../format/number";
import { sourceOf } from "../../format/source";
import { duration } from "../../format/time";
import { Grid, type GridColumn } from "../../parts/grid";
import { HealthMark } from "../../parts/icons";
import { queueHref } from "../../state/route";

const taken = (t: Task): number => t.done + t.retried + t.dead_letters;
const each = (t: Task): string => (taken(t) ? duration((t.busy_s / taken(t)) * 1000) : "–");

/** They lie in a queue of their own, where there is one. */
function GivenUp({ of: { vhost = "/", dead_letter, dead_letters } }: { of: Task }) {
  if (!dead_letter || dead_letters === 0) return <>{count(dead_letters)}</>;
  return (
    <a href={`/dlq/${encodeURIComponent(sourceOf({ vhost, name: dead_letter }))}`} title={`They lie in the queue ${dead_letter}`}>
      <HealthMark health="warn" /> {count(dead_letters)}
    </a>
  );
}

const COLUMNS: readonly GridColumn<Task>[] = [
  { id: "name", title: "Task", cell: (t) => <span class="mono">{t.name}</span> },
  { id: "queue", title: "Queue", wide: true, cell: (t) => <a class="mono" href={queueHref({ vhost: t.vhost ?? "/", name: t.queue })}>{t.queue}</a> },
  { id: "done", title: "Done", numeric: true, width: 90, cell: (t) => count(t.done) },
  { id: "retried", title: "Retried", numeric: true, width: 90, wide: true, cell: (t) => count(t.retried) },
  { id: "dead", title: "Given up", numeric: true, width: 90, cell: (t) => <GivenUp of={t} /> },
  { id: "running", title: "Running", numeric: true, width: 90, wide: true, cell: (t) => <span title={`At most ${t.concurrency} at once`}>{count(t.running)}</span> },
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
