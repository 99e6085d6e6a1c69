// One typed function an endpoint. Knows paths and errors; knows nothing of pages.
import { sourcePart } from "../format/source";
import type * as T from "./types";

const ANSWER_MS = 10_000;
/** Compiling a script takes a process of its own. */
const EXPLAIN_MS = 35_000;

/** What the server said no with: a sentence, and what to do about it. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly remedy = "",
    readonly place = "",
    readonly line = 0,
    readonly column = 0,
  ) {
    super(message);
  }
}

async function refusal(answer: Response): Promise<ApiError> {
  try {
    const said = (await answer.json()) as { error: string; remedy?: string; place?: string; line?: number; column?: number };
    return new ApiError(answer.status, said.error, said.remedy, said.place, said.line, said.column);
  } catch {
    return new ApiError(answer.status, `The server answered ${answer.status} without saying why.`);
  }
}

async function call<R>(method: string, path: string, signal?: AbortSignal, body?: unknown, answer_ms = ANSWER_MS): Promise<R> {
  const limits = [AbortSignal.timeout(answer_ms), ...(signal ? [signal] : [])];
  const init: RequestInit = { method, signal: AbortSignal.any(limits), headers: { accept: "application/json" } };
  // A DELETE carries the JSON content type too: the server asks it of every mutation.
  if (method !== "GET") {
    init.headers = { ...init.headers, "content-type": "application/json" };
    init.body = JSON.stringify(body ?? {});
  }
  let answer: Response;
  try {
    answer = await fetch(path, init);
  } catch (cause) {
    if (signal?.aborted) throw cause;
    throw new ApiError(0, "penstock does not answer.", "Is it running? Start it with: penstock up");
  }
  if (!answer.ok) throw await refusal(answer);
  return (answer.status === 204 ? undefined : await answer.json()) as R;
}

const get = <R>(path: string, signal?: AbortSignal) => call<R>("GET", path, signal);
const seg = encodeURIComponent;
const queuePath = (vhost: string, name: string) => `/api/queues/${seg(vhost)}/${seg(name)}`;

/** Drops what is empty, so that a URL holds only what was chosen. */
export function query(values: Record<string, string | number | null | undefined>): string {
  const chosen = Object.entries(values).filter(([, v]) => v !== null && v !== undefined && v !== "");
  return chosen.length ? `?${new URLSearchParams(chosen.map(([k, v]) => [k, String(v)]))}` : "";
}

async function listed(name: string, signal?: AbortSignal): Promise<T.Group> {
  const group = (await get<T.Group[]>("/api/groups", signal)).find((g) => g.group === name);
  if (!group) throw new ApiError(404, `There is no group named ${name}.`, "A group appears when its first member joins.");
  return group;
}

export interface RecordsWish {
  partition?: number | null;
  offset?: number | null;
  limit?: number;
  from?: "start" | "end" | number;
  isolation?: "read_committed" | "read_uncommitted";
}

export const api = {
  status: (signal?: AbortSignal) => get<T.Status>("/api/status", signal),
  flow: (signal?: AbortSignal) => get<T.Flow>("/api/flow", signal),
  demo: (signal?: AbortSignal) => get<T.Demo>("/api/demo", signal),
  load: (seconds: number) => call<{ load_until_ms: number }>("POST", "/api/demo/load", undefined, { seconds }),

  topics: (signal?: AbortSignal) => get<T.TopicRow[]>("/api/topics", signal),
  topic: (name: string, signal?: AbortSignal) => get<T.TopicPage>(`/api/topics/${seg(name)}`, signal),
  createTopic: (name: string, partitions: number, configs: Record<string, string>) =>
    call<unknown>("POST", "/api/topics", undefined, { name, partitions, configs }),
  deleteTopic: (name: string) => call<unknown>("DELETE", `/api/topics/${seg(name)}`),
  records: (name: string, wish: RecordsWish, signal?: AbortSignal) =>
    get<T.RecordsPage>(`/api/topics/${seg(name)}/records${query({ ...wish })}`, signal),
  produce: (name: string, record: T.NewRecord) =>
    call<{ offsets: { partition: number; offset: number }[] }>("POST", `/api/topics/${seg(name)}/records`, undefined, record),

  pipelines: (signal?: AbortSignal) => get<T.Pipeline[]>("/api/pipelines", signal),
  pipeline: (name: string, signal?: AbortSignal) => get<T.Pipeline>(`/api/pipelines/${seg(name)}`, signal),
  explain: (script: string, signal?: AbortSignal) => call<T.Explained>("POST", "/api/sql/explain", signal, { script }, EXPLAIN_MS),
  tables: (signal?: AbortSignal) => get<T.TableRow[]>("/api/tables", signal),
  table: (name: string, wish: { order?: string; limit: number }, signal?: AbortSignal) =>
    get<T.TablePage>(`/api/tables/${seg(name)}${query(wish)}`, signal),
  /** `key` is encoded already: key columns joined by commas. */
  row: (name: string, key: string, signal?: AbortSignal) => get<{ row: T.Row; token: string }>(`/api/tables/${seg(name)}/${key}`, signal),
  groups: (signal?: AbortSignal) => get<T.Group[]>("/api/groups", signal),
  // A group may be named with a slash, which does not survive as a part of a path.
  group: (name: string, signal?: AbortSignal) => (name.includes("/") ? listed(name, signal) : get<T.Group>(`/api/groups/${seg(name)}`, signal)),

  vhosts: (signal?: AbortSignal) => get<T.Vhost[]>("/api/vhosts", signal),
  queues: (signal?: AbortSignal) => get<T.QueueRow[]>("/api/queues", signal),
  queue: (vhost: string, name: string, signal?: AbortSignal) => get<T.QueuePage>(queuePath(vhost, name), signal),
  createQueue: (vhost: string, name: string, queue: T.NewQueue) => call<unknown>("PUT", queuePath(vhost, name), undefined, queue),
  deleteQueue: (vhost: string, name: string) => call<{ messages: number }>("DELETE", queuePath(vhost, name)),
  purgeQueue: (vhost: string, name: string) => call<{ messages: number }>("DELETE", `${queuePath(vhost, name)}/contents`),
  /** The first that are ready; none is taken. */
  messages: (vhost: string, name: string, count: number, signal?: AbortSignal) =>
    call<T.QueuedMessage[]>("POST", `${queuePath(vhost, name)}/get`, signal, { count, ackmode: "ack_requeue_true" }),
  publish: (vhost: string, queue: string, message: T.NewMessage) =>
    call<{ routed: boolean }>("POST", `/api/exchanges/${seg(vhost)}/amq.default/publish`, undefined, { routing_key: queue, ...message }),

  dlq: (signal?: AbortSignal) => get<T.LetterPlace[]>("/api/dlq", signal),
  dlqGroups: (source: string, wish: T.LetterWish, signal?: AbortSignal) => get<T.LetterGroups>(`/api/dlq/${sourcePart(source)}${query({ ...wish })}`, signal),
  letters: (source: string, wish: T.LetterWish, signal?: AbortSignal) =>
    get<{ letters: T.LetterRow[] }>(`/api/dlq/${sourcePart(source)}/letters${query({ ...wish, limit: 200 })}`, signal),
  letter: (source: string, name: string, signal?: AbortSignal) => get<T.Letter>(`/api/dlq/${sourcePart(source)}/letters/${name}`, signal),
  editLetter: (source: string, name: string, value: string) =>
    call<{ name: string }>("POST", `/api/dlq/${sourcePart(source)}/letters/${name}`, undefined, { value }),
  /** A dry run answers with its outcome; anything else begins, and is asked for by its name. */
  deal: (source: string, what: "redrive" | "purge", wish: T.DealWish) => call<T.Deal>("POST", `/api/dlq/${sourcePart(source)}/${what}`, undefined, wish),
  deals: (signal?: AbortSignal) => get<T.Deal[]>("/api/dlq-operations", signal),
  dealing: (operation: string, signal?: AbortSignal) => get<T.Deal>(`/api/dlq-operations/${seg(operation)}`, signal),
  stopDeal: (operation: string) => call<T.Deal>("DELETE", `/api/dlq-operations/${seg(operation)}`),

  changesPath: (table: string) => `/api/tables/${seg(table)}/changes`,
  flowPath: "/api/flow/events",
};
