// Records of a topic: from the end, the start or an offset; followed as they come. One opens beside.
import { useMemo } from "preact/hooks";
import { api, type RecordsWish } from "../api/client";
import { usePoll } from "../api/poll";
import type { LogRecord, TopicPage } from "../api/types";
import { whole } from "../format/number";
import { absolute, clock } from "../format/time";
import { go, params, withParams } from "../state/route";
import { Stale, Waiting } from "./ago";
import { Grid, type GridColumn } from "./grid";
import { Icon } from "./icons";
import { Search, useFound } from "./search";

const PAGE = 100;

function shown(text: string | null, encoding: string): string {
  if (text === null) return "null";
  return encoding === "base64" ? `⟨binary⟩ ${text}` : text;
}

const textOf = (r: LogRecord): string => `${shown(r.key, r.encoding.key)} ${shown(r.value, r.encoding.value)}`;

function Value({ of: { state, value, encoding } }: { of: LogRecord }) {
  return (
    <span class={value === null || state !== "committed" ? "faint" : ""}>
      {state !== "committed" && `⟨${state}⟩ `}
      {shown(value, encoding.value).slice(0, 400)}
    </span>
  );
}

const COLUMNS: readonly GridColumn<LogRecord>[] = [
  { id: "partition", title: "P", numeric: true, width: 44, wide: true, cell: (r) => r.partition },
  { id: "offset", title: "Offset", numeric: true, width: 104, cell: (r) => whole(r.offset) },
  { id: "time", title: "Time", width: 92, cell: (r) => <time title={absolute(r.timestamp_ms)}>{clock(r.timestamp_ms)}</time> },
  {
    id: "key",
    title: "Key",
    width: 140,
    mono: true,
    wide: true,
    cell: (r) => <span class={r.key === null ? "faint" : ""}>{shown(r.key, r.encoding.key)}</span>,
  },
  { id: "value", title: "Value", mono: true, cell: (r) => <Value of={r} /> },
];

const ONE_PARTITION = COLUMNS.filter((column) => column.id !== "partition");

/** What the URL asks for: `at` is end, start or an offset; `all` is what is not committed, too. */
function wishOf(topic: TopicPage): RecordsWish & { follow: boolean; at: string } {
  const chosen = params.value.get("partition");
  const only = topic.partitions.length === 1 ? topic.partitions[0]?.partition : undefined;
  const partition = chosen !== null && chosen !== "" ? Number(chosen) : (only ?? null);
  const at = params.value.get("at") ?? "end";
  const follow = at === "end" && params.value.get("follow") !== "0";
  const isolation = params.value.get("all") === "1" ? "read_uncommitted" : "read_committed";
  if (/^\d+$/.test(at) && partition !== null) return { partition, offset: Number(at), limit: PAGE, isolation, follow, at };
  return { partition, from: at === "start" ? "start" : "end", limit: PAGE, isolation, follow, at };
}

export function Records({ topic }: { topic: TopicPage }) {
  const { follow, at, ...wish } = wishOf(topic);
  const asked = usePoll(`records ${topic.name} ${JSON.stringify(wish)}`, (signal) => api.records(topic.name, wish, signal), follow ? 1000 : 0);
  const every = wish.isolation === "read_uncommitted";
  const { search, found } = useFound(asked.value?.records, textOf);
  const rows = useMemo(() => {
    const sign = at === "end" ? -1 : 1;
    return [...found].sort((a, b) => sign * (a.timestamp_ms - b.timestamp_ms || a.offset - b.offset));
  }, [found, at]);
  return (
    <section class="sheet">
      <header class="tools">
        <Search place="Search these records" />
        <PartitionChoice topic={topic} />
        <Where topic={topic} partition={wish.partition ?? null} at={at} rows={asked.value?.records ?? []} />
        {at === "end" && (
          <label class="check">
            <input type="checkbox" checked={follow} onChange={() => go(withParams({ follow: follow ? "0" : null }), { replace: true })} />
            follow
          </label>
        )}
        {(every || asked.value?.left_out) && (
          <label class="check" title="What transactions took back, or have not committed yet">
            <input type="checkbox" checked={every} onChange={() => go(withParams({ all: every ? null : "1" }), { replace: true })} />
            uncommitted too
          </label>
        )}
        <Stale of={asked} />
      </header>
      {asked.value ? (
        <Grid
          label={`Records of ${topic.name}`}
          rows={rows}
          columns={topic.partitions.length > 1 ? COLUMNS : ONE_PARTITION}
          keyOf={(r) => `${r.partition}:${r.offset}`}
          href={(r) => withParams({ open: `record:${topic.name}:${r.partition}:${r.offset}` })}
          isOpen={(r) => params.value.get("open") === `record:${topic.name}:${r.partition}:${r.offset}`}
          height="calc(100vh - 190px)"
          empty={<p class="soft waiting">{search ? "None of these records has that in it." : "No records here."}</p>}
        />
      ) : (
        <Waiting of={asked} />
      )}
    </section>
  );
}

function PartitionChoice({ topic }: { topic: TopicPage }) {
  if (topic.partitions.length === 1) return null;
  return (
    <select aria-label="Partition" value={params.value.get("partition") ?? ""} onChange={(event) => go(withParams({ partition: event.currentTarget.value, at: null }))}>
      <option value="">all partitions</option>
      {topic.partitions.map(({ partition }) => (
        <option key={partition} value={partition}>
          partition {partition}
        </option>
      ))}
    </select>
  );
}

/** Newest, oldest, or by offset; steps back and forth where one partition is looked at. */
function Where({ topic, partition, at, rows }: { topic: TopicPage; partition: number | null; at: string; rows: LogRecord[] }) {
  const range = topic.partitions.find((p) => p.partition === partition);
  const offsets = rows.map((r) => r.offset);
  const [first, last] = [Math.min(...offsets), Math.max(...offsets)];
  const jump = (offset: number) => go(withParams({ at: String(Math.max(range?.start ?? 0, offset)) }));
  return (
    <span class="row">
      <select aria-label="From" value={/^\d+$/.test(at) ? "offset" : at} onChange={(event) => {
        const to = event.currentTarget.value;
        if (to === "offset") jump(range?.start ?? 0);
        else go(withParams({ at: to === "end" ? null : to }));
      }}>
        <option value="end">newest first</option>
        <option value="start">from the start</option>
        {range && <option value="offset">from an offset</option>}
      </select>
      {range && /^\d+$/.test(at) && (
        <input type="number" aria-label="Offset" style={{ width: "110px" }} min={range.start} max={range.end} value={at} onChange={(event) => jump(Number(event.currentTarget.value))} />
      )}
      {range && rows.length > 0 && (
        <>
          <button type="button" class="square" aria-label="Older" title="Older" disabled={first <= range.start} onClick={() => jump(first - PAGE)}>
            <span class="back">
              <Icon name="arrow" />
            </span>
          </button>
          <button type="button" class="square" aria-label="Newer" title="Newer" disabled={at === "end" || last >= range.end - 1} onClick={() => jump(last + 1)}>
            <Icon name="arrow" />
          </button>
        </>
      )}
    </span>
  );
}
