// One pipeline: how it runs, what it reads and writes, its operators, its SQL with the last error at its place.
import { api } from "../api/client";
import { usePoll } from "../api/poll";
import type { Pipeline } from "../api/types";
import { count, rate, whole } from "../format/number";
import { absolute, duration } from "../format/time";
import { Ago, Stale, Waiting } from "../parts/ago";
import { Copy } from "../parts/copy";
import { Figure } from "../parts/figure";
import { Grid, type GridColumn } from "../parts/grid";
import { Icon } from "../parts/icons";
import { deadLettersOf, lagOf, StateMark, watermarkDelay_ms } from "../parts/job";
import { Sql } from "../parts/sql";
import { pageOf } from "../state/route";

export function PipelinePage({ name }: { name: string }) {
  const asked = usePoll(`pipeline ${name}`, (signal) => api.pipeline(name, signal), 1000);
  const job = asked.value;
  return (
    <>
      <div class="headline">
        <h1 class="mono">{name}</h1>
        {job ? <StateMark job={job} /> : <span class="soft">pipeline</span>}
        <Stale of={asked} />
      </div>
      {job ? <Known job={job} /> : <section class="sheet"><Waiting of={asked} /></section>}
    </>
  );
}

function Known({ job }: { job: Pipeline }) {
  const delay_ms = watermarkDelay_ms(job);
  return (
    <div class="stack">
      {job.error && <Wrong job={job} />}
      <section class="sheet body">
        <dl class="figures-row">
          <Figure word="in" value={rate(job.rate_in)} />
          <Figure word="out" value={rate(job.rate_out)} />
          <Figure word="lag" value={count(lagOf(job))} title="Records that wait in the inputs" />
          <Figure word="event time behind" value={delay_ms === null ? "–" : duration(delay_ms)} title="How far the watermark is behind the clock" />
          <Figure word="dead letters" value={count(deadLettersOf(job))} />
          <Figure word="restarts" value={count(job.restarts)} />
          <Figure word={`${job.state} since`} value={<Ago at_ms={job.since_ms} />} />
          <Figure word="worker" value={`${job.worker}`} title={`process ${job.pid}`} />
        </dl>
      </section>
      <div class="split even">
        <section class="sheet">
          <header>
            <h2 class="mono">{job.file || "SQL"}</h2>
            <span class="push">
              <Copy text={job.sql} />
            </span>
          </header>
          <Sql text={job.sql} error={job.error} />
        </section>
        <div class="stack">
          <Ends job={job} />
          <Operators job={job} />
        </div>
      </div>
    </div>
  );
}

function Wrong({ job }: { job: Pipeline }) {
  const { error } = job;
  if (!error) return null;
  const place = [error.place || job.file, error.line, error.column].filter(Boolean).join(":");
  return (
    <div class="refusal" role="alert">
      <Icon name="error" />
      <div>
        <p>{error.message}</p>
        <p class="soft">{error.remedy}</p>
        <p class="small soft">
          <span class="mono">{place}</span>, <time title={absolute(job.at_ms)}><Ago at_ms={job.since_ms} /></time>
        </p>
      </div>
    </div>
  );
}

type End = { id: string; way: "reads" | "writes"; table: string; topic: string; connector: string; rows: number; more: string };
const ENDS: readonly GridColumn<End>[] = [
  { id: "way", title: "", width: 70, cell: (e) => <span class="soft">{e.way}</span> },
  {
    id: "topic",
    title: "Topic",
    cell: (e) => (e.topic ? <a class="mono" href={(e.connector === "upsert-kafka" && e.way === "writes" ? pageOf(`table:${e.table}`) : pageOf(`topic:${e.topic}`)) ?? "/"}>{e.topic}</a> : <span class="mono">{e.table}</span>),
  },
  { id: "connector", title: "Connector", width: 120, wide: true, cell: (e) => e.connector },
  { id: "rows", title: "Rows", numeric: true, width: 100, cell: (e) => count(e.rows) },
  { id: "more", title: "Lag", numeric: true, width: 90, cell: (e) => e.more },
];

function Ends({ job }: { job: Pipeline }) {
  const rows: End[] = [
    ...job.inputs.map((i): End => ({ ...i, id: `in ${i.table}`, way: "reads", more: count(i.lag) })),
    ...job.outputs.map((o): End => ({ ...o, id: `out ${o.table}`, way: "writes", more: "" })),
  ];
  return (
    <section class="sheet">
      <header>
        <h2>Reads and writes</h2>
      </header>
      <Grid label="Inputs and outputs" rows={rows} columns={ENDS} keyOf={(e) => e.id} />
    </section>
  );
}

type Operator = Pipeline["operators"][number];
const OPERATORS: readonly GridColumn<Operator>[] = [
  { id: "name", title: "Operator", cell: (o) => <span title={o.name}>{o.name}</span> },
  { id: "in", title: "Rows in", numeric: true, width: 100, cell: (o) => <span title={whole(o.rows_in)}>{count(o.rows_in)}</span> },
  { id: "out", title: "Rows out", numeric: true, width: 100, cell: (o) => <span title={whole(o.rows_out)}>{count(o.rows_out)}</span> },
  { id: "state", title: "State rows", numeric: true, width: 100, cell: (o) => count(o.state_rows) },
];

function Operators({ job }: { job: Pipeline }) {
  return (
    <section class="sheet">
      <header>
        <h2>Operators</h2>
        <span class="push small faint">since the last start</span>
      </header>
      <Grid label="Operators" rows={job.operators} columns={OPERATORS} keyOf={(o) => `${job.operators.indexOf(o)}`} empty={<p class="soft body">None runs.</p>} />
    </section>
  );
}
