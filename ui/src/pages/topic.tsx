// One topic: its records, and beside them partitions, readers, configuration.
import { api } from "../api/client";
import { usePoll } from "../api/poll";
import type { Partition, TopicPage as Topic } from "../api/types";
import { count, plural, rate, whole } from "../format/number";
import { Stale, Waiting } from "../parts/ago";
import { Figure } from "../parts/figure";
import { Grid, type GridColumn } from "../parts/grid";
import { Icon } from "../parts/icons";
import { Records } from "../parts/records";
import { ProduceTabs } from "../parts/snippets";
import { withParams } from "../state/route";

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
        <section class="sheet">
          <header>
            <h2>Configuration</h2>
          </header>
          <dl class="pairs body mono">
            {Object.entries(topic.configs).map(([key, value]) => [<dt key={key}>{key}</dt>, <dd key={`${key}=`}>{value}</dd>])}
            {Object.keys(topic.configs).length === 0 && <dt>all as by default</dt>}
          </dl>
        </section>
      </aside>
    </div>
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
