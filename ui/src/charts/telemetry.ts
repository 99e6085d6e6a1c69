// The demo's live tables as one history: means and bands per sensor, alerts newest first. Seeded from the topics, kept by streams.
import { signal } from "@preact/signals";
import type { Row, TableRow } from "../api/types";
import { instant, isTime } from "../format/time";
import { LiveTable } from "../state/live";
import { History } from "./history";
import { pastRows } from "./seed";

export const WINDOW_MS = 120_000;
const GAP_MS = 3500;

export interface Alert {
  at_ms: number;
  sensor: string;
  row: Row;
}

const numberOf = (row: Row, ...names: string[]): number | null => {
  for (const name of names) if (typeof row[name] === "number") return row[name];
  return null;
};

/** The edges of the band, whichever way the pipeline names them. */
export function bandOf(row: Row): { low: number; high: number } | null {
  const low = numberOf(row, "low", "lower", "band_low");
  const high = numberOf(row, "high", "upper", "band_high");
  if (low !== null && high !== null) return { low, high };
  const [mean, spread] = [numberOf(row, "mean", "avg"), numberOf(row, "stddev", "deviation", "std", "spread")];
  return mean !== null && spread !== null ? { low: mean - 3 * spread, high: mean + 3 * spread } : null;
}

export class Telemetry {
  readonly history = new History(WINDOW_MS, GAP_MS);
  readonly version = signal(0);
  readonly units = new Map<string, string>();
  private readonly tables: LiveTable[] = [];
  private alertsTable: LiveTable | null = null;
  private alertTime = "window_end";

  constructor(known: readonly TableRow[]) {
    this.follow(known, "machine_now", (row) => this.noteNow(row));
    this.follow(known, "machine_band", (row) => this.noteBand(row));
    this.alertsTable = this.follow(known, "alerts", () => {});
    const alerts = known.find((t) => t.name === "alerts");
    this.alertTime = alerts?.columns.find((c) => isTime(c.kind))?.name ?? "window_end";
  }

  private follow(known: readonly TableRow[], name: string, note: (row: Row) => void): LiveTable | null {
    const table = known.find((t) => t.name === name);
    if (!table) return null;
    const live = new LiveTable(name, table.key);
    live.onSnapshot = (rows) => {
      for (const row of rows) note(row);
    };
    live.onChange = ({ row }) => row && note(row);
    live.version.subscribe(() => {
      this.history.forgetBefore(Date.now() - 3 * WINDOW_MS);
      this.version.value += 1;
    });
    this.tables.push(live);
    void pastRows(table.topic, Date.now() - WINDOW_MS, note).then(() => {
      this.version.value += 1;
    });
    return live;
  }

  private noteNow(row: Row): void {
    const [sensor, at_ms, mean] = [String(row.sensor), instant(row.window_end), numberOf(row, "mean", "avg")];
    if (at_ms === null || mean === null) return;
    if (typeof row.unit === "string") this.units.set(sensor, row.unit);
    this.history.note(sensor, at_ms, mean);
  }

  private noteBand(row: Row): void {
    const [at_ms, band] = [instant(row.window_end), bandOf(row)];
    if (at_ms === null || !band) return;
    this.history.note(`low ${String(row.sensor)}`, at_ms, band.low);
    this.history.note(`high ${String(row.sensor)}`, at_ms, band.high);
  }

  /** The processor first, then its cores, then the rest. */
  sensors(): string[] {
    const names = this.history.names().filter((n) => !/^(low|high) /.test(n));
    const rank = (name: string) => (name === "cpu" ? 0 : name.startsWith("cpu.") ? 1 : 2);
    return names.sort((a, b) => rank(a) - rank(b) || a.localeCompare(b, undefined, { numeric: true }));
  }

  alerts(): Alert[] {
    const rows = [...(this.alertsTable?.fold.rows.values() ?? [])];
    const all = rows.map((row) => ({ at_ms: instant(row[this.alertTime]) ?? 0, sensor: String(row.sensor), row }));
    return all.sort((a, b) => b.at_ms - a.at_ms);
  }

  close(): void {
    for (const table of this.tables) table.close();
  }
}
