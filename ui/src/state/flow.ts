// What all pages know: the flow as it is now, the server's status, whether the demo runs, and how the connection is.
import { computed, signal } from "@preact/signals";
import { api, ApiError } from "../api/client";
import { Stream } from "../api/stream";
import type { Demo, Flow, Status, Trouble } from "../api/types";
import { perFrame } from "./clock";

export const flow = signal<Flow | null>(null);
/** Why there is no flow to see for who is logged in; null where there is. */
export const refused = signal<ApiError | null>(null);
export const status = signal<Status | null>(null);
export const demo = signal<Demo | null>(null);
/** How far the server's clock is ahead of ours; a second and a half is delay, not clock. */
export const skew_ms = signal(0);

let waiting: Flow | null = null;
const show = perFrame(() => {
  if (waiting) flow.value = waiting;
});

function take(news: Flow): void {
  waiting = news;
  const ahead_ms = news.at_ms - Date.now();
  skew_ms.value = Math.abs(ahead_ms) < 1500 ? 0 : ahead_ms;
  show();
}

const stream = new Stream(api.flowPath, {
  events: ["flow"],
  silence_ms: 5000,
  onEvent: (_, data) => take(JSON.parse(data) as Flow),
  ask: async (signal) => take(await api.flow(signal)),
});
export const connection = stream.state;

async function introduce(): Promise<void> {
  try {
    const [said, shown] = await Promise.all([api.status(), api.demo().catch(() => null)]);
    status.value = said;
    demo.value = shown ?? { active: false, sql_path: "", load_until_ms: 0 };
  } catch {
    // The stream says that the server is away; `connection` asks again when it is back.
  }
}
/** A stream that is refused only says that it is lost: a plain question tells why. */
async function askWhy(): Promise<void> {
  try {
    take(await api.flow());
  } catch (cause) {
    if (!(cause instanceof ApiError) || cause.status !== 403) return;
    if (!refused.peek()) void introduce();
    refused.value = cause;
  }
}
let wasLive = false;
connection.subscribe(({ kind }) => {
  if (kind === "live") refused.value = null;
  if (kind === "live" && !wasLive) void introduce();
  if (kind === "lost" && !flow.peek()) void askWhy();
  wasLive = kind === "live";
});

const SEEN = "penstock.seen";
function stored(): string[] {
  try {
    return JSON.parse(localStorage.getItem(SEEN) ?? "[]") as string[];
  } catch {
    return [];
  }
}
/** Troubles that were acknowledged in this browser, by where they are and what they say, whatever the count in it has grown to. */
export const seen = signal<ReadonlySet<string>>(new Set(stored()));
export const troubleKey = (t: Trouble): string => `${t.node} ${t.message.replace(/\d[\d,.\s]*/g, "#")}`;

export function acknowledge(trouble: Trouble, done: boolean): void {
  const next = new Set(seen.value);
  if (done) next.add(troubleKey(trouble));
  else next.delete(troubleKey(trouble));
  seen.value = next;
  try {
    localStorage.setItem(SEEN, JSON.stringify([...next].slice(-100)));
  } catch {
    // Kept for this page only.
  }
}

/** Newest first; the acknowledged ones sink to the end. */
export const troubles = computed(() => {
  const all = [...(flow.value?.troubles ?? [])].sort((a, b) => b.at_ms - a.at_ms);
  return [...all.filter((t) => !seen.value.has(troubleKey(t))), ...all.filter((t) => seen.value.has(troubleKey(t)))];
});
export const openTroubles = computed(() => troubles.value.filter((t) => !seen.value.has(troubleKey(t))).length);
