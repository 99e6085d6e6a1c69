// Purge or delete a queue: says what is destroyed and who consumes it; a deletion asks for the name.
import { useState } from "preact/hooks";
import { api } from "../../api/client";
import { usePoll } from "../../api/poll";
import { bytes, plural } from "../../format/number";
import { Refusal, Waiting } from "../../parts/ago";
import { Icon } from "../../parts/icons";
import { go, withParams } from "../../state/route";
import { useDeed } from "./deed";

export function DestroyQueuePanel({ vhost, queue: name, what }: { vhost: string; queue: string; what: "purge" | "delete" }) {
  const asked = usePoll(`queue ${vhost} ${name}`, (signal) => api.queue(vhost, name, signal), 2000);
  const [typed, setTyped] = useState("");
  const { run, error } = useDeed(async () => {
    if (what === "delete") {
      await api.deleteQueue(vhost, name);
      go("/queues", { replace: true });
    } else {
      await api.purgeQueue(vhost, name);
      go(withParams({ open: null }), { replace: true });
    }
  });
  const queue = asked.value;
  if (!queue) return <Waiting of={asked} />;
  const bound = queue.bindings.filter((b) => b.source);
  return (
    <form class="stack" onSubmit={run}>
      <p>This destroys, and nothing brings it back:</p>
      <ul class="plain">
        <li>
          {plural(queue.messages_ready, "message")} ready in <b class="mono">{name}</b> ({bytes(queue.message_bytes)} with those unacknowledged)
        </li>
        {what === "delete" && queue.messages_unacknowledged > 0 && <li>{plural(queue.messages_unacknowledged, "message")} that consumers hold</li>}
        {what === "delete" && bound.length > 0 && (
          <li>
            {plural(bound.length, "binding")}: {bound.map((b) => `${b.source} ${b.routing_key}`).join(", ")}
          </li>
        )}
      </ul>
      {what === "purge" && queue.messages_unacknowledged > 0 && <p class="soft">What consumers hold ({plural(queue.messages_unacknowledged, "message")}) stays theirs.</p>}
      {queue.consumers > 0 && (
        <div class="refusal">
          <Icon name="warn" />
          <p>
            In use now: {plural(queue.consumers, "consumer")} ({queue.consumer_details.map((c) => c.channel_details.connection_name || c.consumer_tag).join(", ")}).
          </p>
        </div>
      )}
      {what === "delete" && (
        <label class="field">
          Type the queue's name to go on
          <input class="mono" value={typed} autocomplete="off" onInput={(e) => setTyped(e.currentTarget.value)} />
        </label>
      )}
      <div>
        <button type="submit" class="danger" disabled={what === "delete" ? typed !== name : queue.messages_ready === 0}>
          <Icon name="trash" /> {what === "delete" ? `Delete ${name}` : `Purge ${plural(queue.messages_ready, "message")}`}
        </button>
      </div>
      {error && <Refusal error={error} />}
    </form>
  );
}
