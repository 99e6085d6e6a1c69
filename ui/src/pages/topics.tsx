// All topics.
import { useMemo } from "preact/hooks";
import { api } from "../api/client";
import { usePoll } from "../api/poll";
import type { TopicRow } from "../api/types";
import { bytes, count, rate } from "../format/number";
import { Spark } from "../flow/spark";
import { Stale, Waiting } from "../parts/ago";
import { ProduceTabs } from "../parts/snippets";
import { Grid, type GridColumn } from "../parts/grid";
import { Icon } from "../parts/icons";
import { Search, useSearch } from "../parts/search";
import { flow } from "../state/flow";
import { go, params, withParams } from "../state/route";

const COLUMNS: readonly GridColumn<TopicRow>[] = [
  {
    id: "name",
    title: "Topic",
    sort: (t) => t.name,
    cell: (t) => (
      <a class="mono" href={`/topics/${encodeURIComponent(t.name)}`}>
        {t.name}
      </a>
    ),
  },
  { id: "minute", title: "Last minute", width: 140, wide: true, cell: (t) => <Minute name={t.name} /> },
  { id: "rate", title: "Rate", numeric: true, width: 100, sort: (t) => t.rate, cell: (t) => rate(t.rate) },
  { id: "records", title: "Records", numeric: true, width: 110, sort: (t) => t.records, cell: (t) => count(t.records) },
  { id: "bytes", title: "Size", numeric: true, width: 100, wide: true, sort: (t) => t.bytes, cell: (t) => (t.bytes === null ? "–" : bytes(t.bytes)) },
  { id: "partitions", title: "Partitions", numeric: true, width: 110, wide: true, sort: (t) => t.partitions, cell: (t) => count(t.partitions) },
];

function Minute({ name }: { name: string }) {
  const nodes = flow.value?.nodes ?? [];
  const node = nodes.find((n) => n.id === `topic:${name}`) ?? nodes.find((n) => n.id === `table:${name}`);
  return node ? <Spark values={node.spark} width={116} height={18} /> : null;
}

export function TopicsPage() {
  const asked = usePoll("topics", api.topics, 2000);
  const search = useSearch();
  const internal = params.value.get("internal") === "1";
  const all = asked.value;
  const rows = useMemo(
    () => (all ?? []).filter((t) => (internal || !t.internal) && t.name.toLowerCase().includes(search)),
    [all, internal, search],
  );
  const hidden = (all ?? []).filter((t) => t.internal).length;
  return (
    <>
      <div class="headline">
        <h1>Topics</h1>
        <Stale of={asked} />
        <div class="push">
          <a class="button" href={withParams({ open: "new-topic" })}>
            <Icon name="plus" /> Create a topic
          </a>
        </div>
      </div>
      <section class="sheet">
        <header class="tools">
          <Search place="Search topics" />
          <label class="check">
            <input type="checkbox" checked={internal} onChange={() => go(withParams({ internal: internal ? null : "1" }), { replace: true })} />
            {hidden} internal
          </label>
        </header>
        {all ? (
          <Grid
            label="Topics"
            rows={rows}
            columns={COLUMNS}
            keyOf={(t) => t.name}
            href={(t) => `/topics/${encodeURIComponent(t.name)}`}
            order={{ param: "sort", first: "name" }}
            height="calc(100vh - 190px)"
            empty={search ? <p class="soft waiting">No topic has {search} in its name.</p> : <Teach />}
          />
        ) : (
          <Waiting of={asked} />
        )}
      </section>
    </>
  );
}

function Teach() {
  return (
    <div class="teach">
      <h2>No topic yet</h2>
      <p>The first record creates its topic:</p>
      <ProduceTabs topic="events" />
    </div>
  );
}
