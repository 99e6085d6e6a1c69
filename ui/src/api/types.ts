// The shapes of the HTTP API, as the web process sends them. Times are epoch milliseconds unless a name says otherwise.

export type Health = "ok" | "idle" | "warn" | "error" | "stale";
export type NodeKind = "source" | "topic" | "pipeline" | "table" | "client";

export interface FlowNode {
  id: string;
  kind: NodeKind;
  label: string;
  status: Health;
  rate: number;
  lag: number;
  spark: number[];
  detail: string;
}
export interface FlowEdge {
  from: string;
  to: string;
  rate: number;
}
export interface Trouble {
  at_ms: number;
  level: "error" | "warn";
  node: string;
  message: string;
  remedy: string;
  line: number | null;
  column: number | null;
}
export interface Flow {
  at_ms: number;
  nodes: FlowNode[];
  edges: FlowEdge[];
  troubles: Trouble[];
}

export interface Status {
  version: string;
  started_ms: number;
  now_ms: number;
  data_dir: string;
  addresses: { kafka: string; http: string; amqp?: string };
  processes: { name: string; state: "up" | "down"; at_ms: number }[];
  demo: boolean;
}
export interface Demo {
  active: boolean;
  sql_path: string;
  load_until_ms: number;
}

export interface TopicRow {
  name: string;
  partitions: number;
  records: number;
  bytes: number | null;
  rate: number;
  internal: boolean;
}
export interface Partition {
  partition: number;
  start: number;
  end: number;
}
export interface TopicPage {
  name: string;
  internal: boolean;
  configs: Record<string, string>;
  partitions: Partition[];
  records: number;
  rate: number;
  groups: { group: string; state: string; lag: number }[];
}
export type Encoding = "utf8" | "base64" | "null";
export interface LogRecord {
  partition: number;
  offset: number;
  timestamp_ms: number;
  /** What its transaction came to; open ones, and what stands behind them, are not seen by readers of what is committed. */
  state: "committed" | "aborted" | "open";
  key: string | null;
  value: string | null;
  headers: [string, string | null][];
  encoding: { key: Encoding; value: Encoding };
}
export interface RecordsPage {
  records: LogRecord[];
  /** Whether some were not committed, and not asked for. */
  left_out: boolean;
}
export interface NewRecord {
  key: string | null;
  value: unknown;
  headers?: Record<string, string>;
  partition?: number;
}

export interface Column {
  name: string;
  kind: string;
}
export interface JobError {
  message: string;
  remedy: string;
  place: string;
  line: number | null;
  column: number | null;
}
/** One operator; `inputs` are places in the pipeline's list of them. A worker of an older version says less. */
export interface Operator {
  name: string;
  rows_in: number;
  rows_out: number;
  state_rows: number;
  detail?: string;
  inputs?: number[];
  source?: number;
  state_bytes?: number;
  late_rows?: number;
  watermark_ms?: number | null;
  rate_in?: number;
  rate_out?: number;
  busy?: number;
}
export interface Commits {
  commits: number;
  seconds: number;
  interval_s: number;
  snapshots: number;
  snapshot_bytes: number;
  snapshot_s: number;
}
/** A function that is called for the messages of a queue; attempts that were retried come again. */
export interface Task {
  name: string;
  /** Of its queues. */
  vhost?: string;
  queue: string;
  dead_letter: string;
  result: string;
  concurrency: number;
  done: number;
  retried: number;
  dead_letters: number;
  running: number;
  busy_s: number;
}
export interface Explained {
  written: string;
  running: string;
}
export interface Pipeline {
  name: string;
  state: "starting" | "running" | "failed" | "stopped" | "finished";
  worker: string;
  pid: number;
  file: string;
  sql: string;
  restarts: number;
  since_ms: number;
  at_ms: number;
  error: JobError | null;
  inputs: { table: string; connector: string; /** A queue's. */ vhost?: string; topic: string; rows: number; dead_letters: number; lag: number; watermark_ms: number | null }[];
  outputs: { table: string; connector: string; topic: string; rows: number; rate?: number; operator?: number; busy?: number }[];
  operators: Operator[];
  commit?: Commits | null;
  tasks?: Task[];
  tables: { name: string; topic: string; connector: string; columns: Column[]; key: string[] }[];
  rate_in: number;
  rate_out: number;
}

export type Cell = string | number | boolean | null | object;
export type Row = Record<string, Cell>;
export interface TableRow {
  name: string;
  topic: string;
  rows: number;
  key: string[];
  columns: Column[];
  rate: number;
  at_ms: number;
}
export interface TablePage {
  rows: Row[];
  total: number;
  token: string;
}
export interface TableChange {
  kind: "upsert" | "delete";
  key: Row;
  row: Row | null;
  at_ms: number;
}

export interface GroupMember {
  member_id?: string;
  client_id?: string;
  host?: string;
  [more: string]: unknown;
}
export interface Group {
  group: string;
  state: string;
  members: (GroupMember | string)[];
  offsets: { topic: string; partition: number; offset: number; end: number; lag: number }[];
}

export type LetterState = "waiting" | "redriven" | "purged" | "replaced";
export interface LetterPlace {
  name: string;
  kind: "topic" | "queue";
  /** A queue's virtual host; empty for a topic. */
  vhost: string;
  states: Record<LetterState, number>;
  /** Whether all letters were looked at, not the newest only. */
  complete: boolean;
  last_ms: number;
}
export interface LetterGroup {
  reason: string;
  exception: string;
  owner: string;
  count: number;
  first_ms: number;
  last_ms: number;
  message: string;
  example: string;
}
export interface LetterGroups {
  name: string;
  states: Record<LetterState, number>;
  complete: boolean;
  groups: LetterGroup[];
}
export interface LetterWish {
  reason?: string;
  exception?: string;
  owner?: string;
  contains?: string;
  state?: string;
}
export interface LetterRow {
  name: string;
  state: LetterState;
  at_ms: number;
  key: string | null;
  value: string | null;
  encoding: { key: Encoding; value: Encoding };
  origin: string;
  reason: string;
  exception: string;
  message: string;
  owner: string;
  attempts: number;
  redrives: number;
  first_ms: number;
  last_ms: number;
}
export interface Letter extends LetterRow {
  trace: string;
  stage: string;
  function: string;
  headers: [string, string | null][];
  bytes: number;
  omitted: boolean;
  replaces: string;
  /** Where it goes when it is sent back. */
  target: string;
}
export interface DealWish extends LetterWish {
  names?: string[];
  all?: boolean;
  /** Another topic, or queue, than where each came from. */
  to?: string;
  rate?: number;
  limit?: number;
  redrives_max?: number;
  dry_run?: boolean;
}
/** A redrive or a purge, and how far it is. */
export interface Deal {
  source: string;
  operation: string;
  what: string;
  state: "running" | "done" | "stopped" | "failed";
  running: boolean;
  matched: number;
  done: number;
  skipped: Record<string, number>;
  targets: Record<string, number>;
  read: number;
  total: number;
  error: string;
}

/** A count, how fast it grows, and a minute of that. */
export interface QueueRate {
  rate: number;
  spark: number[];
}
export interface QueueStats {
  publish: number;
  publish_details: QueueRate;
  deliver_get: number;
  deliver_get_details: QueueRate;
  ack: number;
  ack_details: QueueRate;
}
export interface Vhost {
  name: string;
}
export interface QueueRow {
  name: string;
  vhost: string;
  type: "classic" | "quorum" | "stream";
  durable: boolean;
  auto_delete: boolean;
  exclusive: boolean;
  arguments: Record<string, unknown>;
  messages: number;
  messages_ready: number;
  messages_unacknowledged: number;
  message_bytes: number;
  consumers: number;
  message_stats: QueueStats;
}
export interface QueueBinding {
  source: string;
  routing_key: string;
  arguments: Record<string, unknown>;
  properties_key: string;
}
export interface QueueConsumer {
  consumer_tag: string;
  ack_required: boolean;
  exclusive: boolean;
  active: boolean;
  prefetch_count: number;
  unacknowledged: number;
  channel_details: { connection_name: string };
}
export interface QueuePage extends QueueRow {
  bindings: QueueBinding[];
  consumer_details: QueueConsumer[];
}
export interface QueuedMessage {
  number: number;
  payload: string;
  payload_encoding: "string" | "base64";
  payload_bytes: number;
  redelivered: boolean;
  exchange: string;
  routing_key: string;
  properties: Record<string, unknown>;
}
export interface NewQueue {
  durable: boolean;
  arguments: Record<string, unknown>;
}
export interface NewMessage {
  payload: string;
  properties: Record<string, unknown>;
}
