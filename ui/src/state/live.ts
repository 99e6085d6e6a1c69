// A live table folded in the browser: snapshot, then changes, applied once a frame. Equal to the server's table, always.
import { type Signal, signal } from "@preact/signals";
import { api } from "../api/client";
import { Stream } from "../api/stream";
import type { Row, TableChange } from "../api/types";
import { perFrame } from "./clock";
import { Fold } from "./fold";

type Step = { name: "reset" } | { name: "snapshot"; rows: Row[]; done: boolean } | ({ name: "change" } & TableChange);

const ROWS_ASKED = 10_000;

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
      ask: async (signal) => {
        const { rows } = await api.table(name, { limit: ROWS_ASKED }, signal);
        this.steps.push({ name: "snapshot", rows, done: true });
        apply();
      },
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
