// One message that waits, in full: its body, headers and properties. It is looked at, and stays where it is.
import { api } from "../../api/client";
import { usePoll } from "../../api/poll";
import { Waiting } from "../../parts/ago";
import { Part } from "../record";

/** As many of the first as the page beside shows. */
export const SHOWN = 100;
const text = (value: unknown): string => (typeof value === "object" ? JSON.stringify(value) : String(value));

export function MessagePanel({ vhost, queue, number }: { vhost: string; queue: string; number: number }) {
  const asked = usePoll(`message ${vhost} ${queue} ${number}`, (signal) => api.messages(vhost, queue, SHOWN, signal), 0);
  if (!asked.value) return <Waiting of={asked} />;
  const message = asked.value.find((m) => m.number === number);
  if (!message) return <p class="soft">This message is gone: somebody took it, or it died.</p>;
  const { headers, ...properties } = message.properties as { headers?: Record<string, unknown> };
  return (
    <>
      <p class="soft">
        Published to {message.exchange ? <b class="mono">{message.exchange}</b> : "the default exchange"} with the routing key <b class="mono">{message.routing_key || "–"}</b>
        {message.redelivered && "; it was delivered before"}
      </p>
      <Part title="Body" text={message.payload} encoding={message.payload_encoding === "string" ? "utf8" : "base64"} />
      <Pairs title="Headers" of={headers ?? {}} />
      <Pairs title="Properties" of={properties} />
    </>
  );
}

function Pairs({ title, of }: { title: string; of: Record<string, unknown> }) {
  const pairs = Object.entries(of);
  if (pairs.length === 0) return null;
  return (
    <div>
      <p class="small soft">{title}</p>
      <dl class="pairs mono">{pairs.map(([name, value]) => [<dt key={name}>{name}</dt>, <dd key={`${name}=`}>{text(value)}</dd>])}</dl>
    </div>
  );
}
