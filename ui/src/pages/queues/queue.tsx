// One queue: what waits in it, and beside that its rates, how it was declared, what leads to it and who consumes it.
import { api } from "../../api/client";
import { usePoll } from "../../api/poll";
import type { QueueBinding, QueueConsumer, QueuedMessage, QueuePage as Queue, QueueRate } from "../../api/types";
import { Spark } from "../../flow/spark";
import { bytes, count, plural, rate } from "../../format/number";
import { openQueue } from "../../panels/queues/deed";
import { SHOWN } from "../../panels/queues/message";
import { Stale, Waiting } from "../../parts/ago";
import { Figure } from "../../parts/figure";
import { Grid, type GridColumn } from "../../parts/grid";
import { HealthMark, Icon } from "../../parts/icons";
import { Search, useFound } from "../../parts/search";
import { PublishTabs } from "../../parts/snippets";
import { params, withParams } from "../../state/route";
import { isLeft } from "./queues";

const table = (of: Record<string, unknown>): string => Object.entries(of).map(([name, value]) => `${name}: ${JSON.stringify(value)}`).join(", ");
const headersOf = (m: QueuedMessage): string => table((m.properties.headers as Record<string, unknown> | undefined) ?? {});

const MESSAGES: readonly GridColumn<QueuedMessage>[] = [
  { id: "number", title: "Message", numeric: true, width: 90, cell: (m) => m.number },
  { id: "exchange", title: "Exchange", mono: true, width: 110, wide: true, cell: (m) => m.exchange || "–" },
  { id: "key", title: "Routing key", mono: true, width: 140, wide: true, cell: (m) => m.routing_key || "–" },
  { id: "headers", title: "Headers", mono: true, wide: true, cell: (m) => headersOf(m) || "–" },
  { id: "body", title: "Body", mono: true, cell: (m) => (m.payload_encoding === "base64" ? `⟨binary⟩ ${m.payload}` : m.payload).slice(0, 400) },
  { id: "bytes", title: "Size", numeric: true, width: 90, wide: true, cell: (m) => bytes(m.payload_bytes) },
];
const BINDINGS: readonly GridColumn<QueueBinding>[] = [
  { id: "source", title: "From exchange", mono: true, width: 116, cell: (b) => b.source || "default" },
  { id: "key", title: "Routing key", mono: true, cell: (b) => b.routing_key || "–" },
  { id: "arguments", title: "Arguments", mono: true, wide: true, cell: (b) => table(b.arguments) || "–" },
];
const CONSUMERS: readonly GridColumn<QueueConsumer>[] = [
  { id: "client", title: "Client", mono: true, cell: (c) => c.channel_details.connection_name || "–" },
  { id: "tag", title: "Consumer", mono: true, wide: true, cell: (c) => <span title={c.consumer_tag}>{c.consumer_tag}</span> },
  { id: "turn", title: "Turn", width: 70, wide: true, cell: (c) => (c.active ? "active" : "waits") },
  { id: "held", title: "Holds", numeric: true, width: 90, cell: (c) => (c.ack_required ? `${count(c.unacknowledged)} of ${c.prefetch_count || "any"}` : "–") },
];

export function QueuePage({ vhost, name }: { vhost: string; name: string }) {
  const asked = usePoll(`queue ${vhost} ${name}`, (signal) => api.queue(vhost, name, signal), 2000);
  const queue = asked.value;
  const deed = (kind: string) => withParams({ open: openQueue(kind, vhost, name) });
  return (
    <>
      <div class="headline">
        <h1 class="mono">{name}</h1>
        <span class="soft">{queue ? said(queue) : "queue"}</span>
        {queue && isLeft(queue) && <HealthMark health="warn" word="nobody consumes it" />}
        <Stale of={asked} />
        <div class="push">
          <a class="button" href={deed("publish")}>
            <Icon name="send" /> Publish
          </a>
          {queue?.type !== "stream" && (
            <a class="button quiet" href={deed("purge-queue")}>
              <Icon name="close" /> Purge
            </a>
          )}
          <a class="button quiet" href={deed("delete-queue")}>
            <Icon name="trash" /> Delete
          </a>
        </div>
      </div>
      {queue ? <Known queue={queue} /> : <section class="sheet"><Waiting of={asked} /></section>}
    </>
  );
}

function said(queue: Queue): string {
  const words = [`${queue.type} queue`, queue.durable ? "" : "transient", queue.exclusive ? "exclusive" : "", queue.auto_delete ? "goes with its last consumer" : ""];
  return [...words, queue.vhost === "/" ? "" : `in ${queue.vhost}`].filter(Boolean).join(", ");
}

function Known({ queue }: { queue: Queue }) {
  const { publish_details, deliver_get_details, ack_details } = queue.message_stats;
  return (
    <div class="split">
      <div class="stack">{queue.type === "stream" ? <Stream queue={queue} /> : <Messages queue={queue} />}</div>
      <aside class="stack">
        <section class="sheet body">
          <dl class="figures-row">
            <Figure word="ready" value={count(queue.messages_ready)} />
            <Figure word="unacked" value={count(queue.messages_unacknowledged)} title="Consumers hold them, and have not acknowledged them" />
            <Figure word="size" value={bytes(queue.message_bytes)} />
          </dl>
        </section>
        <section class="sheet body">
          <Minute word="published" of={publish_details} total={queue.message_stats.publish} />
          <Minute word="delivered" of={deliver_get_details} total={queue.message_stats.deliver_get} />
          <Minute word="acknowledged" of={ack_details} total={queue.message_stats.ack} />
          <p class="small faint right">the last minute</p>
        </section>
        <section class="sheet">
          <header>
            <h2>Consumers</h2>
            <span class="push soft">{queue.consumers}</span>
          </header>
          <Grid label="Consumers" rows={queue.consumer_details} columns={CONSUMERS} keyOf={(c) => `${c.channel_details.connection_name} ${c.consumer_tag}`} height="200px" empty={<p class="soft body">Nobody consumes it now.</p>} />
        </section>
        <section class="sheet">
          <header>
            <h2>Bindings</h2>
            <span class="push soft">{queue.bindings.length}</span>
          </header>
          <Grid label="Bindings" rows={queue.bindings} columns={BINDINGS} keyOf={(b) => `${b.source} ${b.properties_key}`} height="200px" empty={<p class="soft body">Nothing leads to it.</p>} />
        </section>
        <Arguments of={queue.arguments} />
      </aside>
    </div>
  );
}

function Minute({ word, of, total }: { word: string; of: QueueRate; total: number }) {
  return (
    <div class="minute" title={`${count(total)} since it is there`}>
      <Spark values={of.spark} width={150} height={24} />
      <span class="soft">{word}</span>
      <span>{rate(of.rate)}</span>
    </div>
  );
}

function Arguments({ of }: { of: Record<string, unknown> }) {
  const pairs = Object.entries(of);
  return (
    <section class="sheet">
      <header>
        <h2>Arguments</h2>
      </header>
      <div class="body">
        {pairs.length === 0 && <p class="soft">It was declared with none.</p>}
        <dl class="configs">
          {pairs.map(([name, value]) => (
            <div key={name}>
              <dt class="mono">{name}</dt>
              <dd class="mono">{typeof value === "string" ? value || '""' : JSON.stringify(value)}</dd>
            </div>
          ))}
        </dl>
      </div>
    </section>
  );
}

const textOf = (m: QueuedMessage): string => `${m.routing_key} ${headersOf(m)} ${m.payload}`;

function Messages({ queue }: { queue: Queue }) {
  const asked = usePoll(`messages ${queue.vhost} ${queue.name}`, (signal) => api.messages(queue.vhost, queue.name, SHOWN, signal), 2000);
  const { search, found } = useFound(asked.value, textOf);
  const open = (m: QueuedMessage) => openQueue("message", queue.vhost, queue.name, String(m.number));
  const empty = search ? <p class="soft waiting">None of these messages has that in it.</p> : <Empty queue={queue} />;
  return (
    <section class="sheet">
      <header class="tools">
        <Search place="Search these messages" />
        <span class="soft small">
          {queue.messages_ready > SHOWN ? `the first ${SHOWN} of ` : ""}
          {plural(queue.messages_ready, "message")} ready; looking takes none
        </span>
        <Stale of={asked} />
      </header>
      {asked.value ? (
        <Grid label={`Messages of ${queue.name}`} rows={found} columns={MESSAGES} keyOf={(m) => String(m.number)} href={(m) => withParams({ open: open(m) })} isOpen={(m) => params.value.get("open") === open(m)} height="calc(100vh - 190px)" empty={empty} />
      ) : (
        <Waiting of={asked} />
      )}
    </section>
  );
}

function Empty({ queue }: { queue: Queue }) {
  if (queue.message_stats.publish > 0) return <p class="soft waiting">Nothing is ready: all that came is with consumers, or done.</p>;
  return (
    <div class="teach">
      <h2>This queue holds no messages yet</h2>
      <p>Publish the first one:</p>
      <PublishTabs queue={queue.name} vhost={queue.vhost} />
    </div>
  );
}

function Stream({ queue }: { queue: Queue }) {
  const topic = queue.vhost === "/" ? queue.name : `${queue.vhost}.${queue.name}`;
  return (
    <section class="sheet teach">
      <h2>A stream is a topic</h2>
      <p>
        Nothing is taken out of it: its records stand in the topic <a class="mono" href={`/topics/${encodeURIComponent(topic)}`}>{topic}</a>.
      </p>
    </section>
  );
}
