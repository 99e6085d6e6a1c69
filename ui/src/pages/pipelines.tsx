// All pipelines.
import { api } from "../api/client";
import { usePoll } from "../api/poll";
import type { Pipeline } from "../api/types";
import { count, rate } from "../format/number";
import { duration } from "../format/time";
import { Ago, Stale, Waiting } from "../parts/ago";
import { Snippet } from "../parts/copy";
import { Grid, type GridColumn } from "../parts/grid";
import { lagOf, StateMark, watermarkDelay_ms } from "../parts/job";
import { Search, useSearch } from "../parts/search";

const COLUMNS: readonly GridColumn<Pipeline>[] = [
  {
    id: "name",
    title: "Pipeline",
    sort: (p) => p.name,
    cell: (p) => (
      <a class="mono" href={`/pipelines/${encodeURIComponent(p.name)}`}>
        {p.name}
      </a>
    ),
  },
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
  const search = useSearch();
  const rows = (asked.value ?? []).filter((p) => `${p.name} ${p.file}`.toLowerCase().includes(search));
  return (
    <>
      <div class="headline">
        <h1>Pipelines</h1>
        <Stale of={asked} />
      </div>
      <section class="sheet">
        <header class="tools">
          <Search place="Search pipelines" />
        </header>
        {asked.value ? (
          <Grid
            label="Pipelines"
            rows={rows}
            columns={COLUMNS}
            keyOf={(p) => p.name}
            href={(p) => `/pipelines/${encodeURIComponent(p.name)}`}
            order={{ param: "sort", first: "name" }}
            height="calc(100vh - 190px)"
            empty={search ? <p class="soft waiting">No pipeline has {search} in its name.</p> : <Teach />}
          />
        ) : (
          <Waiting of={asked} />
        )}
      </section>
    </>
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
