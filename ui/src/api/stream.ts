// A server-sent event stream that says honestly how it is. Closes while the tab is hidden, resumes by token, backs off.
// Knows EventSource and tokens; knows nothing of what the events mean.
import { type Signal, signal } from "@preact/signals";
import { onVisible, visible } from "../state/visible";
import { type Slot, takeSlot } from "./slots";

export type StreamState =
  | { kind: "connecting" }
  | { kind: "live" }
  | { kind: "paused" }
  | { kind: "lost"; since_ms: number; resuming: boolean };

const ASK_MS = 1000;
const BACKOFF_MS = [300, 700, 1500, 3000, 5000];

export interface StreamOptions {
  /** Names of the events to listen for. */
  events: readonly string[];
  onEvent: (name: string, data: string) => void;
  /** Gets the same by asking, for a window whose browser has no connection to spare. */
  ask: (signal: AbortSignal) => Promise<void>;
  /** A connection without a token begins: what came before is void. */
  onFresh?: () => void;
  /** A stream that beats: silence longer than this counts as lost. */
  silence_ms?: number;
}

export class Stream {
  readonly state: Signal<StreamState> = signal({ kind: "connecting" });
  private source: EventSource | null = null;
  private slot: Slot | null = null;
  private asking: AbortController | null = null;
  private turn = 0;
  private token = "";
  private tries = 0;
  private retry = 0;
  private silence = 0;
  private readonly offVisible: () => void;

  constructor(
    private readonly path: string,
    private readonly options: StreamOptions,
  ) {
    this.offVisible = onVisible((shown) => (shown ? this.open() : this.pause()));
    if (visible()) this.open();
    else this.state.value = { kind: "paused" };
  }

  close(): void {
    this.offVisible();
    this.drop();
  }

  /** Forgets the token: the next connection begins with a snapshot. */
  forget(): void {
    this.token = "";
  }

  private open(): void {
    this.drop();
    if (this.state.peek().kind === "paused") this.state.value = { kind: "connecting" };
    const turn = this.turn;
    void takeSlot().then((slot) => {
      if (turn !== this.turn) slot?.release();
      else if (slot) this.connect(slot);
      else void this.ask();
    });
  }

  private connect(slot: Slot): void {
    this.slot = slot;
    const since = this.token ? `?since=${encodeURIComponent(this.token)}` : "";
    if (!this.token) this.options.onFresh?.();
    const source = new EventSource(this.path + since);
    this.source = source;
    source.onopen = () => this.heard();
    source.onerror = () => this.lose();
    for (const name of this.options.events)
      source.addEventListener(name, (event) => {
        if (event.lastEventId) this.token = event.lastEventId;
        this.heard();
        this.options.onEvent(name, event.data as string);
      });
    this.watch();
  }

  private async ask(): Promise<void> {
    const asking = new AbortController();
    this.asking = asking;
    // What is asked for is whole: there is nothing to resume from.
    this.token = "";
    try {
      await this.options.ask(asking.signal);
      if (asking.signal.aborted) return;
      this.heard();
      clearTimeout(this.silence);
      this.retry = window.setTimeout(() => this.open(), ASK_MS);
    } catch {
      if (!asking.signal.aborted) this.lose();
    }
  }

  private heard(): void {
    this.tries = 0;
    if (this.state.peek().kind !== "live") this.state.value = { kind: "live" };
    this.watch();
  }

  private watch(): void {
    if (!this.options.silence_ms) return;
    clearTimeout(this.silence);
    this.silence = window.setTimeout(() => this.lose(), this.options.silence_ms);
  }

  // EventSource would retry by itself, but without saying so and without a bound on how often.
  private lose(): void {
    this.drop();
    const was = this.state.peek();
    const since_ms = was.kind === "lost" ? was.since_ms : Date.now();
    this.state.value = { kind: "lost", since_ms, resuming: this.token !== "" };
    const wait_ms = BACKOFF_MS[Math.min(this.tries, BACKOFF_MS.length - 1)] ?? 5000;
    this.tries += 1;
    this.retry = window.setTimeout(() => this.open(), wait_ms);
  }

  private pause(): void {
    this.drop();
    this.state.value = { kind: "paused" };
  }

  private drop(): void {
    clearTimeout(this.retry);
    clearTimeout(this.silence);
    this.source?.close();
    this.source = null;
    this.asking?.abort();
    this.asking = null;
    this.slot?.release();
    this.slot = null;
    this.turn += 1;
  }
}
