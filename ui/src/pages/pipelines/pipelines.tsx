// All pipelines.
import { api } from "../../api/client";
import { usePoll } from "../../api/poll";
import type { Pipeline } from "../../api/types";
import { count, rate } from "../../format/number";
import { duration } from "../../format/time";
import { Ago } from "../../parts/ago";
import { Snippet } from "../../parts/copy";
import type { GridColumn } from "../../parts/grid";
import { lagOf, StateMark, watermarkDelay_ms } from "../../parts/job";
import { Listing, nameColumn } from "../listing";

const hrefOf = (p: Pipeline) => `/pipelines/${encodeURIComponent(p.name)}`;
const COLUMNS: readonly GridColumn<Pipeline>[] = [
  nameColumn("Pipeline", (p) => p.name, hrefOf),
  { id: "state", title: "State", width: 120, sort: (p) => p.state, cell: (p) => <StateMark job={p} /> },
  { id: "in", title: "In", numeric: true, width: 100, sort: (p) => p.rate_in, cell: (p) => rate(p.rate_in) },
  { id: "out", title: "Out", numeric: true, width: 100, wide: true, sort: (p) => p.rate_out, cell: (p) => rate(p.rate_out) },
  { id: "lag", title: "Lag", numeric: true, width: 90, sort: lagOf, cell: (p) => count(lagOf(p)) },
  {
    id: "watermark",
    title: "Event time",
    numeric: true,
    width: 120,
    wide: true,
    sort: watermarkDelay_ms,
    cell: (p) => {
      const delay_ms = watermarkDelay_ms(p);
      return delay_ms === null ? "–" : `−${duration(delay_ms)}`;
    },
  },
  { id: "restarts", title: "Restarts", numeric: true, width: 100, wide: true, sort: (p) => p.restarts, cell: (p) => count(p.restarts) },
  { id: "since", title: "Since", numeric: true, width: 120, wide: true, sort: (p) => -p.since_ms, cell: (p) => <Ago at_ms={p.since_ms} /> },
];

export function PipelinesPage() {
  const asked = usePoll("pipelines", api.pipelines, 1000);
  return (
    <Listing title="Pipelines" one="pipeline" many="pipelines" asked={asked} columns={COLUMNS} keyOf={(p) => p.name} href={hrefOf} textOf={(p) => `${p.name} ${p.file}`} first="name" teach={<Teach />} />
  );
}

const FIRST = `CREATE TABLE events (hello STRING, n BIGINT)
  WITH ('connector' = 'kafka', 'topic' = 'events', 'format' = 'json');
CREATE TABLE totals (hello STRING, n BIGINT, PRIMARY KEY (hello) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 'totals', 'key.format' = 'json', 'value.format' = 'json');
INSERT INTO totals SELECT hello, SUM(n) FROM events GROUP BY hello;`;

function Teach() {
  return (
    <div class="teach">
      <h2>No pipeline yet</h2>
      <p>
        Save this as <code>pipelines/totals.sql</code> in your project; it runs within two seconds, and totals is a live table.
      </p>
      <Snippet text={FIRST} />
    </div>
  );
}
