// One record in full: key, value, headers, laid out for reading.
import { api } from "../api/client";
import { usePoll } from "../api/poll";
import type { Encoding } from "../api/types";
import { bytes } from "../format/number";
import { hexdump, pretty } from "../format/json";
import { absolute } from "../format/time";
import { Ago, Waiting } from "../parts/ago";
import { Copy } from "../parts/copy";
import { HealthMark, Icon } from "../parts/icons";
import { withParams } from "../state/route";

const UNCOMMITTED = {
  aborted: "Its transaction was aborted: readers of what is committed do not see it.",
  open: "Readers of what is committed do not see it yet: a transaction that began before it is open.",
};
const SHOWN_CHARS_MAX = 100_000;

export function RecordPanel({ topic, partition, offset }: { topic: string; partition: number; offset: number }) {
  const asked = usePoll(`record ${topic} ${partition} ${offset}`, (signal) => api.records(topic, { partition, offset, limit: 1, isolation: "read_uncommitted" }, signal), 0);
  if (!asked.value) return <Waiting of={asked} />;
  const record = asked.value.records[0];
  if (!record || record.offset !== offset) return <p class="soft">This record is gone: retention or compaction has taken it.</p>;
  return (
    <>
      <div class="row">
        <Step word="Previous record" open={`record:${topic}:${partition}:${offset - 1}`} off={offset === 0} back />
        <Step word="Next record" open={`record:${topic}:${partition}:${offset + 1}`} />
        <span class="soft">
          <span class="mono">{absolute(record.timestamp_ms)}</span>, <Ago at_ms={record.timestamp_ms} />
        </span>
      </div>
      {record.state !== "committed" && (
        <p>
          <HealthMark health="warn" /> {UNCOMMITTED[record.state]}
        </p>
      )}
      <Part title="Key" text={record.key} encoding={record.encoding.key} />
      <Part title="Value" text={record.value} encoding={record.encoding.value} />
      {record.headers.length > 0 && (
        <div>
          <p class="small soft">Headers</p>
          <dl class="pairs mono">
            {record.headers.map(([name, value], i) => [<dt key={i}>{name}</dt>, <dd key={`${i}=`}>{value ?? "null"}</dd>])}
          </dl>
        </div>
      )}
    </>
  );
}

function Step({ word, open, off = false, back = false }: { word: string; open: string; off?: boolean; back?: boolean }) {
  if (off) return null;
  return (
    <a class={`button square ${back ? "back" : ""}`} href={withParams({ open })} aria-label={word} title={word}>
      <Icon name="arrow" />
    </a>
  );
}

export function Part({ title, text, encoding }: { title: string; text: string | null; encoding: Encoding }) {
  return (
    <div>
      <div class="row part-head">
        <span class="small soft">{title}</span>
        {text !== null && <span class="small faint">{encoding === "base64" ? `${bytes(Math.floor((text.length * 3) / 4))}, not text` : bytes(new Blob([text]).size)}</span>}
        {text !== null && (
          <span class="push">
            <Copy text={text} />
          </span>
        )}
      </div>
      <Text text={text} encoding={encoding} />
    </div>
  );
}

function Text({ text, encoding }: { text: string | null; encoding: Encoding }) {
  if (text === null) return <p class="faint mono">null</p>;
  if (encoding === "base64") return <pre class="hex">{hexdump(text)}</pre>;
  const pieces = pretty(text);
  if (!pieces) return <pre class="json">{text.slice(0, SHOWN_CHARS_MAX)}</pre>;
  return (
    <pre class="json">
      {pieces.map((piece, i) => (
        <span key={i} class={piece.kind}>
          {piece.text}
        </span>
      ))}
    </pre>
  );
}
