// A live table's rows after each event of its stream. Pure: knows no stream.
import type { Row, TableChange } from "../api/types";

export function keyText(row: Row, key: readonly string[]): string {
  return JSON.stringify(key.map((name) => row[name] ?? null));
}

/** The pure half: what rows there are after each event. */
export class Fold {
  rows = new Map<string, Row>();
  readonly changed_ms = new Map<string, number>();
  complete = false;
  private staged: Map<string, Row> | null = null;

  constructor(private readonly key: readonly string[]) {}

  snapshot(part: { rows: Row[]; done: boolean }): void {
    this.staged ??= new Map();
    for (const row of part.rows) this.staged.set(keyText(row, this.key), row);
    if (!part.done) return;
    this.rows = this.staged;
    this.staged = null;
    this.complete = true;
  }

  change(change: TableChange, now_ms: number): string {
    const at = keyText(change.key, this.key);
    if (change.kind === "delete" || change.row === null) this.rows.delete(at);
    else this.rows.set(at, change.row);
    this.changed_ms.set(at, now_ms);
    return at;
  }

  reset(): void {
    this.staged = null;
    this.complete = false;
  }
}
