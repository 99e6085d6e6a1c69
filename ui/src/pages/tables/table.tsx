// One live table: its rows as they are now, filtered and sorted here; a column over time.
import { useEffect, useMemo, useState } from "preact/hooks";
import { api } from "../../api/client";
import { usePoll } from "../../api/poll";
import type { Row, TableRow } from "../../api/types";
import { ColumnChart } from "../../charts/column";
import { count, plural, rate } from "../../format/number";
import { isNumber, isTime } from "../../format/time";
import { Refusal, Waiting } from "../../parts/ago";
import { CellText, cellSort } from "../../parts/cell";
import { Grid, type GridColumn } from "../../parts/grid";
import { HealthMark } from "../../parts/icons";
import { Search, useFound } from "../../parts/search";
import { keyText } from "../../state/fold";
import { LiveTable } from "../../state/live";
import { params, withParams } from "../../state/route";

/** Larger tables are asked for page by page: a browser holds this many rows with ease. */
const ROWS_LIVE_MAX = 20_000;
const ROWS_ASKED = 500;

export function TablePage({ name }: { name: string }) {
  const asked = usePoll("tables", api.tables, 5000);
  const table = asked.value?.find((t) => t.name === name);
  return (
    <>
      <div class="headline">
        <h1 class="mono">{name}</h1>
        {table ? (
          <span class="soft">
            {plural(table.rows, "row")}, {rate(table.rate)}, key <span class="mono">{table.key.join(", ")}</span>
          </span>
        ) : (
          <span class="soft">live table</span>
        )}
        <div class="push">
          {table && (
            <a class="button quiet" href={`/topics/${encodeURIComponent(table.topic)}`}>
              Its topic
            </a>
          )}
        </div>
      </div>
      {!asked.value ? <section class="sheet"><Waiting of={asked} /></section> : table ? <Known table={table} /> : <Missing name={name} />}
    </>
  );
}

function Missing({ name }: { name: string }) {
  return (
    <section class="sheet teach">
      <h2>There is no live table named {name}</h2>
      <p class="soft">
        It appears when a pipeline that writes it runs. <a href="/pipelines">See pipelines</a> or <a href="/tables">the tables there are</a>.
      </p>
    </section>
  );
}

function columnsOf(table: TableRow): GridColumn<Row>[] {
  return table.columns.map(({ name, kind }) => ({
    id: name,
    title: name,
    mono: true,
    numeric: isNumber(kind),
    ...(isTime(kind) ? { width: 208 } : isNumber(kind) ? { width: 128 } : {}),
    sort: (row) => cellSort(row[name] ?? null),
    cell: (row) => <CellText value={row[name] ?? null} kind={kind} />,
  }));
}

function useLive(table: TableRow): LiveTable {
  const key = table.key.join("\n");
  const live = useMemo(() => new LiveTable(table.name, table.key), [table.name, key]);
  useEffect(() => () => live.close(), [live]);
  return live;
}

function Known({ table }: { table: TableRow }) {
  // Decided once: a table that grows while one looks does not change its way of being read.
  const [small] = useState(table.rows <= ROWS_LIVE_MAX);
  return small ? <Small table={table} /> : <Large table={table} />;
}

function Small({ table }: { table: TableRow }) {
  const live = useLive(table);
  const version = live.version.value;
  const rows = useMemo(() => [...live.fold.rows.values()], [live, version]);
  const state = live.stream.state.value;
  return (
    <div class="stack">
      <ColumnChart table={table} live={live} />
      <Rows table={table} rows={rows} changed={(row) => live.fold.changed_ms.get(keyText(row, table.key))}>
        {live.fold.complete ? (
          <HealthMark health={state.kind === "live" ? "ok" : "stale"} word={state.kind === "live" ? "live" : state.kind === "lost" ? "lost, resuming" : state.kind} />
        ) : (
          <span class="soft">reading the rows</span>
        )}
      </Rows>
    </div>
  );
}

function Large({ table }: { table: TableRow }) {
  const sort = params.value.get("sort") ?? "";
  const asked = usePoll(`rows ${table.name} ${sort}`, (signal) => api.table(table.name, { order: sort, limit: ROWS_ASKED }, signal), 2000);
  if (!asked.value) return asked.error ? <Refusal error={asked.error} /> : <Waiting of={asked} />;
  return (
    <Rows table={table} rows={asked.value.rows}>
      <span class="soft">
        the first {count(asked.value.rows.length)} of {count(asked.value.total)}, asked again every 2 s
      </span>
    </Rows>
  );
}

interface RowsProps {
  table: TableRow;
  rows: readonly Row[];
  changed?: (row: Row) => number | undefined;
  children: preact.ComponentChildren;
}

const textOf = (row: Row): string => Object.values(row).map(String).join("\n");

function Rows({ table, rows, changed, children }: RowsProps) {
  const columns = useMemo(() => columnsOf(table), [JSON.stringify(table.columns)]);
  const { search, found } = useFound(rows, textOf);
  const openOf = (row: Row) => `row:${table.name}:${keyText(row, table.key)}`;
  return (
    <section class="sheet data">
      <header class="tools">
        <Search place="Search these rows" />
        <span class="soft small">
          {search ? `${count(found.length)} of ` : ""}
          {plural(rows.length, "row")}
        </span>
        <span class="push">{children}</span>
      </header>
      <Grid
        label={`Rows of ${table.name}`}
        rows={found}
        columns={columns}
        keyOf={(row) => keyText(row, table.key)}
        href={(row) => withParams({ open: openOf(row) })}
        isOpen={(row) => params.value.get("open") === openOf(row)}
        order={{ param: "sort", first: table.key[0] ?? "" }}
        changed_ms={changed}
        height="calc(100vh - 190px)"
        empty={<p class="soft waiting">{search ? "No row has that in it." : "No row yet: the table fills as its pipeline writes."}</p>}
      />
    </section>
  );
}
