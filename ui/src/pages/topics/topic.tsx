// One topic: its records, and beside them partitions, readers, configuration.
import { api } from "../../api/client";
import { usePoll } from "../../api/poll";
import type { Partition, TopicPage as Topic } from "../../api/types";
import { bytes, count, plural, rate, whole } from "../../format/number";
import { duration } from "../../format/time";
import { Stale, Waiting } from "../../parts/ago";
import { Figure } from "../../parts/figure";
import { Grid, type GridColumn } from "../../parts/grid";
import { Icon } from "../../parts/icons";
import { Records } from "../../parts/records";
import { ProduceTabs } from "../../parts/snippets";
import { withParams } from "../../state/route";

const PARTITIONS: readonly GridColumn<Partition>[] = [
  { id: "partition", title: "Partition", cell: (p) => whole(p.partition) },
  { id: "start", title: "Start", numeric: true, cell: (p) => whole(p.start) },
  { id: "end", title: "End", numeric: true, cell: (p) => whole(p.end) },
  { id: "records", title: "Records", numeric: true, cell: (p) => count(p.end - p.start) },
];

export function TopicPage({ name }: { name: string }) {
  const asked = usePoll(`topic ${name}`, (signal) => api.topic(name, signal), 2000);
  const topic = asked.value;
  return (
    <>
      <div class="headline">
        <h1 class="mono">{name}</h1>
        <span class="soft">{topic?.internal ? "internal topic" : "topic"}</span>
        <Stale of={asked} />
        <div class="push">
          <a class="button" href={withParams({ open: `produce:${name}` })}>
            <Icon name="send" /> Produce
          </a>
          {topic && !topic.internal && (
            <a class="button quiet" href={withParams({ open: `delete-topic:${name}` })}>
              <Icon name="trash" /> Delete
            </a>
          )}
        </div>
      </div>
      {topic ? <Known topic={topic} /> : <section class="sheet"><Waiting of={asked} /></section>}
    </>
  );
}

function Known({ topic }: { topic: Topic }) {
  const empty = topic.partitions.every((p) => p.end === p.start);
  return (
    <div class="split">
      <div class="stack">
        {empty ? <Empty topic={topic} /> : <Records topic={topic} />}
      </div>
      <aside class="stack">
        <section class="sheet body">
          <dl class="figures-row">
            <Figure word="rate" value={rate(topic.rate)} />
            <Figure word="records" value={count(topic.records)} />
          </dl>
        </section>
        <section class="sheet">
          <header>
            <h2>Partitions</h2>
            <span class="push soft">{topic.partitions.length}</span>
          </header>
          <Grid label="Partitions" rows={topic.partitions} columns={PARTITIONS} keyOf={(p) => String(p.partition)} height="260px" href={(p) => withParams({ partition: String(p.partition), at: null })} />
        </section>
        <Readers topic={topic} />
        <Configuration configs={topic.configs} />
      </aside>
    </div>
  );
}

/** What people look for first; the rest unfolds. */
const TELLING = ["cleanup.policy", "retention.ms", "retention.bytes", "max.message.bytes", "compression.type", "message.timestamp.type"];

function Configuration({ configs }: { configs: Record<string, string> }) {
  const names = Object.keys(configs).sort();
  const [first, rest] = [TELLING.filter((name) => name in configs), names.filter((name) => !TELLING.includes(name))];
  return (
    <section class="sheet">
      <header>
        <h2>Configuration</h2>
      </header>
      <div class="body">
        <ConfigPairs names={first} configs={configs} />
        {names.length === 0 && <p class="soft">All as by default.</p>}
        {rest.length > 0 && (
          <details>
            <summary>{rest.length} more</summary>
            <ConfigPairs names={rest} configs={configs} />
          </details>
        )}
      </div>
    </section>
  );
}

/** "86400000" with "1 d" beside it; the largest numbers mean that there is no limit. */
function meaning(name: string, value: string): string {
  if (!/^-?\d+$/.test(value)) return "";
  const amount = Number(value);
  if (amount >= 9e18 || (amount === -1 && /^retention/.test(name))) return "no limit";
  if (name.endsWith(".ms") && amount >= 1000) return duration(amount);
  return name.endsWith(".bytes") && amount >= 1000 ? bytes(amount) : "";
}

function ConfigPairs({ names, configs }: { names: readonly string[]; configs: Record<string, string> }) {
  return (
    <dl class="configs">
      {names.map((name) => {
        const value = configs[name] ?? "";
        const said = meaning(name, value);
        return (
          <div key={name}>
            <dt class="mono">{name}</dt>
            <dd class={said ? "" : "mono"} title={value}>
              {said || value || "–"}
            </dd>
          </div>
        );
      })}
    </dl>
  );
}

function Readers({ topic }: { topic: Topic }) {
  return (
    <section class="sheet">
      <header>
        <h2>Read by</h2>
      </header>
      {topic.groups.length === 0 ? (
        <p class="body soft">No consumer group has committed an offset here.</p>
      ) : (
        <dl class="pairs body">
          {topic.groups.map((g) => [
            <dt key={g.group}>
              <a class="mono" href={`/groups/${encodeURIComponent(g.group)}`}>
                {g.group}
              </a>{" "}
              {g.state.toLowerCase()}
            </dt>,
            <dd key={`${g.group}=`}>{g.lag ? plural(g.lag, "record behind", "records behind") : "up to date"}</dd>,
          ])}
        </dl>
      )}
    </section>
  );
}

function Empty({ topic }: { topic: Topic }) {
  return (
    <section class="sheet teach">
      <h2>This topic holds no records yet</h2>
      <p>Send the first one:</p>
      <ProduceTabs topic={topic.name} />
    </section>
  );
}
