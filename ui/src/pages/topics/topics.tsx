// All topics.
import { useMemo } from "preact/hooks";
import { api } from "../../api/client";
import { usePoll } from "../../api/poll";
import type { TopicRow } from "../../api/types";
import { bytes, count, rate } from "../../format/number";
import { Spark } from "../../flow/spark";
import { ProduceTabs } from "../../parts/snippets";
import type { GridColumn } from "../../parts/grid";
import { Icon } from "../../parts/icons";
import { flow } from "../../state/flow";
import { go, params, withParams } from "../../state/route";
import { Listing, nameColumn } from "../listing";

const hrefOf = (t: TopicRow) => `/topics/${encodeURIComponent(t.name)}`;
const COLUMNS: readonly GridColumn<TopicRow>[] = [
  nameColumn("Topic", (t) => t.name, hrefOf),
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
  const internal = params.value.get("internal") === "1";
  const all = asked.value;
  const rows = useMemo(() => (all ?? []).filter((t) => internal || !t.internal), [all, internal]);
  return (
    <Listing
      title="Topics"
      one="topic"
      many="topics"
      asked={asked}
      rows={rows}
      columns={COLUMNS}
      keyOf={(t) => t.name}
      href={hrefOf}
      first="name"
      actions={
        <a class="button" href={withParams({ open: "new-topic" })}>
          <Icon name="plus" /> Create a topic
        </a>
      }
      tools={
        <label class="check">
          <input type="checkbox" checked={internal} onChange={() => go(withParams({ internal: internal ? null : "1" }), { replace: true })} />
          {(all ?? []).filter((t) => t.internal).length} internal
        </label>
      }
      teach={<Teach />}
    />
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
