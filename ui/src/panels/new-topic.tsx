// Create a topic.
import { useState } from "preact/hooks";
import { ApiError, api } from "../api/client";
import { Refusal } from "../parts/ago";
import { go, pageOf } from "../state/route";

const NAME = /^[a-zA-Z0-9._-]{1,249}$/;

export function NewTopicPanel() {
  const [name, setName] = useState("");
  const [partitions, setPartitions] = useState("1");
  const [compacted, setCompacted] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const fits = NAME.test(name) && name !== "." && name !== "..";
  const create = async (event: Event) => {
    event.preventDefault();
    try {
      await api.createTopic(name, Number(partitions) || 1, compacted ? { "cleanup.policy": "compact" } : {});
      go(pageOf(`topic:${name}`) ?? "/topics");
    } catch (cause) {
      setError(cause instanceof ApiError ? cause : new ApiError(0, String(cause)));
    }
  };
  return (
    <form class="stack" onSubmit={create}>
      <label class="field">
        Name
        <input class="mono" value={name} autoFocus required onInput={(e) => setName(e.currentTarget.value)} aria-describedby="name-rule" />
        <span id="name-rule" class={name && !fits ? "warn-text" : ""}>
          letters, digits, dot, underscore, hyphen; up to 249
        </span>
      </label>
      <label class="field">
        Partitions
        <input type="number" min={1} max={1000} value={partitions} onInput={(e) => setPartitions(e.currentTarget.value)} />
        <span>One keeps every record in order; more let that many consumers of a group share the work.</span>
      </label>
      <label class="check">
        <input type="checkbox" checked={compacted} onChange={() => setCompacted(!compacted)} />
        Compacted: keep the last record of each key
      </label>
      <div>
        <button type="submit" class="main" disabled={!fits}>
          Create
        </button>
      </div>
      {error && <Refusal error={error} />}
    </form>
  );
}
