// Create a queue.
import { useState } from "preact/hooks";
import { api } from "../../api/client";
import { usePoll } from "../../api/poll";
import { Refusal } from "../../parts/ago";
import { go, params, queueHref } from "../../state/route";
import { useDeed } from "./deed";

const TYPES: readonly (readonly [string, string])[] = [
  ["classic", "classic: takes everything, priorities too"],
  ["quorum", "quorum: counts deliveries, and may give up"],
  ["stream", "stream: a topic; nothing is taken out of it"],
];

/** What is left empty is not asked for. */
function argumentsOf(type: string, limit: string, ttl_s: string, dead: string): Record<string, unknown> {
  const plain = type !== "stream";
  return {
    ...(type !== "classic" && { "x-queue-type": type }),
    ...(plain && Number(limit) > 0 && { "x-max-length": Number(limit) }),
    ...(plain && Number(ttl_s) > 0 && { "x-message-ttl": Math.round(Number(ttl_s) * 1000) }),
    ...(plain && dead && { "x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead }),
  };
}

export function NewQueuePanel() {
  const [name, setName] = useState("");
  const hosts = usePoll("vhosts", api.vhosts, 0).value?.map((each) => each.name) ?? [];
  const [chosen, choose] = useState(params.value.get("vhost") ?? "/");
  const vhost = hosts.length === 0 || hosts.includes(chosen) ? chosen : (hosts[0] ?? chosen);
  const [type, setType] = useState("classic");
  const [limit, setLimit] = useState("");
  const [ttl_s, setTtl] = useState("");
  const [dead, setDead] = useState("");
  const { run, error } = useDeed(async () => {
    await api.createQueue(vhost, name, { durable: true, arguments: argumentsOf(type, limit, ttl_s, dead) });
    go(queueHref({ vhost, name }));
  });
  const reserved = name.startsWith("amq.");
  return (
    <form class="stack" onSubmit={run}>
      <label class="field">
        Name
        <input class="mono" value={name} autoFocus required maxLength={255} onInput={(e) => setName(e.currentTarget.value)} aria-describedby="name-rule" />
        <span id="name-rule" class={reserved ? "warn-text" : ""}>
          anything but what begins with amq.
        </span>
      </label>
      {hosts.length > 1 && (
        <label class="field">
          Virtual host
          <select class="mono" value={vhost} onChange={(e) => choose(e.currentTarget.value)}>
            {hosts.map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
      )}
      <label class="field">
        Type
        <select value={type} onChange={(e) => setType(e.currentTarget.value)}>
          {TYPES.map(([value, word]) => (
            <option key={value} value={value}>
              {word}
            </option>
          ))}
        </select>
      </label>
      {type !== "stream" && (
        <>
          <label class="field">
            At most so many messages (empty: any number)
            <input type="number" min="1" value={limit} onInput={(e) => setLimit(e.currentTarget.value)} />
          </label>
          <label class="field">
            A message waits at most, in seconds (empty: for ever)
            <input type="number" min="0.001" step="any" value={ttl_s} onInput={(e) => setTtl(e.currentTarget.value)} />
          </label>
          <label class="field">
            What dies goes to the queue (empty: nowhere)
            <input class="mono" value={dead} onInput={(e) => setDead(e.currentTarget.value)} />
          </label>
        </>
      )}
      <div>
        <button type="submit" class="main" disabled={!name || reserved}>
          Create
        </button>
      </div>
      {error && <Refusal error={error} />}
    </form>
  );
}
