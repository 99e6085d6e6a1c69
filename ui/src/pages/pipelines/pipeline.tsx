// One pipeline: how it runs, what it reads and writes, its operators, its SQL with the last error at its place.
import { api } from "../../api/client";
import { usePoll } from "../../api/poll";
import type { Commits, Pipeline } from "../../api/types";
import { Operators } from "../../flow/operators";
import { bytes, count, rate } from "../../format/number";
import { absolute, duration } from "../../format/time";
import { Ago, Stale, Waiting } from "../../parts/ago";
import { Code } from "../../parts/code";
import { Copy } from "../../parts/copy";
import { Figure } from "../../parts/figure";
import { Grid, type GridColumn } from "../../parts/grid";
import { Icon } from "../../parts/icons";
import { deadLettersOf, lagOf, StateMark, watermarkDelay_ms } from "../../parts/job";
import { pageOf, params, queueHref, withParams } from "../../state/route";
import { Plan } from "./plan";
import { Tasks } from "./tasks";

export function PipelinePage({ name }: { name: string }) {
  const asked = usePoll(`pipeline ${name}`, (signal) => api.pipeline(name, signal), 1000);
  const job = asked.value;
  return (
    <>
      <div class="headline">
        <h1 class="mono">{name}</h1>
        {job ? <StateMark job={job} /> : <span class="soft">pipeline</span>}
        {job?.worker && (
          <span class="soft" title={`process ${job.pid}`}>
            on worker {job.worker}
          </span>
        )}
        <Stale of={asked} />
      </div>
      {job ? <Known job={job} /> : <section class="sheet"><Waiting of={asked} /></section>}
    </>
  );
}

function Known({ job }: { job: Pipeline }) {
  const delay_ms = watermarkDelay_ms(job);
  const plans = job.operators.length > 0 || !job.tasks?.length;
  return (
    <div class="stack">
      {job.error && <Wrong job={job} />}
      <section class="sheet body">
        <dl class="figures-row">
          <Figure word="in" value={rate(job.rate_in)} />
          <Figure word="out" value={rate(job.rate_out)} />
          <Figure word="lag" value={count(lagOf(job))} title="Records that wait in the inputs" />
          {plans && <Figure word="event time behind" value={delay_ms === null ? "–" : duration(delay_ms)} title="How far the watermark is behind the clock" />}
          <Figure word="dead letters" value={count(deadLettersOf(job))} />
          <Figure word="restarts" value={count(job.restarts)} />
          <Figure word={`${job.state} since`} value={<Ago at_ms={job.since_ms} />} />
          {plans && job.commit && <Committed commit={job.commit} />}
        </dl>
      </section>
      {job.tasks?.length ? <Tasks tasks={job.tasks} /> : null}
      {plans && <Operators job={job} />}
      <div class={seesPlan(job) ? "stack" : "split even"}>
        <Text job={job} />
        <Ends job={job} />
      </div>
    </div>
  );
}

function Committed({ commit }: { commit: Commits }) {
  const each_ms = commit.commits ? (commit.seconds / commit.commits) * 1000 : 0;
  const apart = commit.commits ? `every ${duration(commit.interval_s * 1000)}` : "none yet";
  return (
    <>
      <Figure word="commits" value={apart} title={`${count(commit.commits)} since the start, ${duration(each_ms)} each`} />
      <Figure
        word="snapshot"
        value={commit.snapshots ? bytes(commit.snapshot_bytes) : "–"}
        title={`${count(commit.snapshots)} since the start, the newest took ${duration(commit.snapshot_s * 1000)}`}
      />
    </>
  );
}

/** "pipelines/emails.py", wherever the project lies. */
const withinProject = (file: string): string => file.split("/").slice(-2).join("/");
const isSql = (job: Pipeline): boolean => !job.file.endsWith(".py");
const seesPlan = (job: Pipeline): boolean => isSql(job) && params.value.get("view") === "plan";

/** The file, or the plan made of it. */
function Text({ job }: { job: Pipeline }) {
  const plan = seesPlan(job);
  return (
    <section class="sheet">
      <header>
        <h2 class="mono" title={job.file}>
          {withinProject(job.file) || "SQL"}
        </h2>
        <span class="push">
          {isSql(job) && (
            <nav class="views" aria-label="What to see of it">
              <a href={withParams({ view: null })} aria-current={plan ? undefined : "page"}>
                SQL
              </a>
              <a href={withParams({ view: "plan" })} aria-current={plan ? "page" : undefined}>
                Plan
              </a>
            </nav>
          )}
          <Copy text={job.sql} />
        </span>
      </header>
      {plan ? <Plan sql={job.sql} /> : <Code text={job.sql} python={!isSql(job)} error={job.error} />}
    </section>
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

type End = { id: string; way: "reads" | "writes"; table: string; vhost?: string; topic: string; connector: string; rows: number; more: string };
const ENDS: readonly GridColumn<End>[] = [
  { id: "way", title: "", width: 70, cell: (e) => <span class="soft">{e.way}</span> },
  { id: "topic", title: "Topic or queue", cell: (e) => <EndLink of={e} /> },
  { id: "connector", title: "Connector", width: 120, wide: true, cell: (e) => e.connector },
  { id: "rows", title: "Rows", numeric: true, width: 100, cell: (e) => count(e.rows) },
  { id: "more", title: "Lag", numeric: true, width: 90, cell: (e) => e.more },
];

function EndLink({ of }: { of: End }) {
  if (of.connector === "amqp") return <a class="mono" href={queueHref({ vhost: of.vhost ?? "/", name: of.table })}>{of.table}</a>;
  const page = of.connector === "upsert-kafka" && of.way === "writes" ? pageOf(`table:${of.table}`) : pageOf(`topic:${of.topic}`);
  return of.topic ? <a class="mono" href={page ?? "/"}>{of.topic}</a> : <span class="mono">{of.table}</span>;
}

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
