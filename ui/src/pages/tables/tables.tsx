// All live tables.
import { api } from "../../api/client";
import { usePoll } from "../../api/poll";
import type { TableRow } from "../../api/types";
import { count, rate } from "../../format/number";
import { Spark } from "../../flow/spark";
import { Ago } from "../../parts/ago";
import type { GridColumn } from "../../parts/grid";
import { flow } from "../../state/flow";
import { Listing, nameColumn } from "../listing";

const hrefOf = (t: TableRow) => `/tables/${encodeURIComponent(t.name)}`;
const COLUMNS: readonly GridColumn<TableRow>[] = [
  nameColumn("Live table", (t) => t.name, hrefOf),
  { id: "key", title: "Key", wide: true, mono: true, cell: (t) => t.key.join(", ") },
  { id: "minute", title: "Last minute", width: 140, wide: true, cell: (t) => <Spark values={flow.value?.nodes.find((n) => n.id === `table:${t.name}`)?.spark ?? []} width={116} height={18} /> },
  { id: "rate", title: "Changes", numeric: true, width: 100, sort: (t) => t.rate, cell: (t) => rate(t.rate) },
  { id: "rows", title: "Rows", numeric: true, width: 100, sort: (t) => t.rows, cell: (t) => count(t.rows) },
  { id: "columns", title: "Columns", numeric: true, width: 100, wide: true, sort: (t) => t.columns.length, cell: (t) => t.columns.length },
  { id: "at", title: "Changed", numeric: true, width: 120, wide: true, sort: (t) => -t.at_ms, cell: (t) => <Ago at_ms={t.at_ms} /> },
];

export function TablesPage() {
  const asked = usePoll("tables", api.tables, 2000);
  return <Listing title="Live tables" one="table" many="tables" asked={asked} columns={COLUMNS} keyOf={(t) => t.name} href={hrefOf} first="name" teach={<Teach />} />;
}

function Teach() {
  return (
    <div class="teach">
      <h2>No live table yet</h2>
      <p>
        Every table that a pipeline writes with <code>'connector' = 'upsert-kafka'</code> is one: its current rows stand here, and change as you look.{" "}
        <a href="/pipelines">See pipelines</a>.
      </p>
    </div>
  );
}
