// A live table folded in the browser: snapshot, then changes, applied once a frame. Equal to the server's table, always.
import { type Signal, signal } from "@preact/signals";
import { api } from "../api/client";
import { Stream } from "../api/stream";
import type { Row, TableChange } from "../api/types";
import { perFrame } from "./clock";

type Step = { name: "reset" } | { name: "snapshot"; rows: Row[]; done: boolean } | ({ name: "change" } & TableChange);

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

export class LiveTable {
  readonly fold: Fold;
  /** Grows when rows changed; pages read it and look at `fold.rows` again. */
  readonly version: Signal<number> = signal(0);
  readonly stream: Stream;
  onChange: (change: TableChange) => void = () => {};
  onSnapshot: (rows: Iterable<Row>) => void = () => {};
  private steps: Step[] = [];

  constructor(name: string, key: readonly string[]) {
    this.fold = new Fold(key);
    const apply = perFrame(() => this.apply());
    this.stream = new Stream(api.changesPath(name), {
      events: ["snapshot", "change", "reset"],
      onFresh: () => this.steps.push({ name: "reset" }),
      onEvent: (event, data) => {
        const step = { name: event, ...(JSON.parse(data) as object) } as Step;
        // Half a snapshot is nothing to resume from; after a reset the old token is void.
        if (step.name === "reset" || (step.name === "snapshot" && !step.done)) this.stream.forget();
        this.steps.push(step);
        apply();
      },
    });
  }

  private apply(): void {
    const steps = this.steps;
    this.steps = [];
    const now_ms = Date.now();
    for (const step of steps) {
      if (step.name === "reset") this.fold.reset();
      else if (step.name === "snapshot") {
        this.fold.snapshot(step);
        if (this.fold.complete) this.onSnapshot(this.fold.rows.values());
      } else {
        this.fold.change(step, now_ms);
        this.onChange(step);
      }
    }
    this.version.value += 1;
  }

  close(): void {
    this.stream.close();
  }
}
