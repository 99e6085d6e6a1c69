// A numeric column of a live table over its time column, one line a key; for as long as one looks.
import { useEffect, useMemo, useState } from "preact/hooks";
import type { Row, TableRow } from "../api/types";
import { measure } from "../format/number";
import { instant, isNumber, isTime } from "../format/time";
import type { LiveTable } from "../state/live";
import { go, params, withParams } from "../state/route";
import { History } from "./history";
import { Plot } from "./plot";
import { pastRows } from "./seed";

const WINDOW_MS = 120_000;
const LINES_MAX = 6;

export function ColumnChart({ table, live }: { table: TableRow; live: LiveTable }) {
  const time = table.columns.find((c) => isTime(c.kind))?.name;
  const numbers = table.columns.filter((c) => isNumber(c.kind) && !table.key.includes(c.name)).map((c) => c.name);
  if (!time || numbers.length === 0) return null;
  return <Chart table={table} live={live} time={time} numbers={numbers} />;
}

function Chart({ table, live, time, numbers }: { table: TableRow; live: LiveTable; time: string; numbers: readonly string[] }) {
  const wanted = params.value.get("chart") ?? "";
  const column = numbers.includes(wanted) ? wanted : (numbers[0] ?? "");
  // The key without its time part names the line: alerts keyed by (sensor, window_end) are one line a sensor.
  const names = table.key.filter((k) => k !== time);
  const nameOf = (row: Row) => names.map((k) => String(row[k] ?? "null")).join(", ") || table.name;
  const history = useMemo(() => new History(WINDOW_MS, 5000), [table.name, column]);
  const [version, grow] = useState(0);
  useEffect(() => {
    const note = (row: Row | null) => {
      const at_ms = row ? instant(row[time]) : null;
      const value = row?.[column];
      if (row && at_ms !== null && typeof value === "number") history.note(nameOf(row), at_ms, value);
    };
    for (const row of live.fold.rows.values()) note(row);
    void pastRows(table.topic, Date.now() - WINDOW_MS, note).then(() => grow((v) => v + 1));
    live.onSnapshot = (rows) => {
      for (const row of rows) note(row);
    };
    live.onChange = (change) => note(change.row);
    return live.version.subscribe(() => {
      history.forgetBefore(Date.now() - 2 * WINDOW_MS);
      grow((v) => v + 1);
    });
  }, [live, history]);
  const shown = useMemo(() => history.names().sort().slice(0, LINES_MAX), [version, history]);
  const lines = shown.map((name, i) => ({ name, colour: `series-${i + 1}` }));
  return (
    <section class="sheet">
      <header>
        <select aria-label="Column to draw" value={column} onChange={(event) => go(withParams({ chart: event.currentTarget.value }), { replace: true })}>
          {numbers.map((n) => (
            <option key={n}>{n}</option>
          ))}
        </select>
        <span class="legend">
          {lines.map((line) => (
            <span key={line.name} class="mono">
              <i style={{ "--swatch": `var(--${line.colour})` }} />
              {line.name}
            </span>
          ))}
          {history.names().length > LINES_MAX && <span>and {history.names().length - LINES_MAX} more</span>}
        </span>
        <span class="push small faint">over {time}, 2 min</span>
      </header>
      <div class="body">
        <Plot label={`${column} over time`} lines={lines} data={() => history.aligned(shown)} version={version} window_ms={WINDOW_MS} height={180} value={(v) => measure(v)} />
      </div>
    </section>
  );
}
