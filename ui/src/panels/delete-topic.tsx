// Delete a topic: says what is destroyed and who reads it, and asks for the name.
import { useState } from "preact/hooks";
import { ApiError, api } from "../api/client";
import { usePoll } from "../api/poll";
import { plural } from "../format/number";
import { Refusal, Waiting } from "../parts/ago";
import { Icon } from "../parts/icons";
import { flow } from "../state/flow";
import { go } from "../state/route";

export function DeleteTopicPanel({ name }: { name: string }) {
  const asked = usePoll(`topic ${name}`, (signal) => api.topic(name, signal), 2000);
  const [typed, setTyped] = useState("");
  const [error, setError] = useState<ApiError | null>(null);
  const topic = asked.value;
  if (!topic) return <Waiting of={asked} />;
  const records = topic.partitions.reduce((sum, p) => sum + p.end - p.start, 0);
  const users = (flow.value?.edges ?? []).filter((e) => e.from === `topic:${name}` || e.to === `topic:${name}`);
  const labels = users.map((e) => (e.from === `topic:${name}` ? `${e.to.replace(":", " ")} reads it` : `${e.from.replace(":", " ")} writes it`));
  const destroy = async (event: Event) => {
    event.preventDefault();
    try {
      await api.deleteTopic(name);
      go("/topics", { replace: true });
    } catch (cause) {
      setError(cause instanceof ApiError ? cause : new ApiError(0, String(cause)));
    }
  };
  return (
    <form class="stack" onSubmit={destroy}>
      <p>This destroys, and nothing brings it back:</p>
      <ul class="plain">
        <li>
          {plural(records, "record")} in {plural(topic.partitions.length, "partition")} of <b class="mono">{name}</b>
        </li>
        {topic.groups.map((g) => (
          <li key={g.group}>
            the offsets of the group <b class="mono">{g.group}</b> ({g.state.toLowerCase()}) in it
          </li>
        ))}
      </ul>
      {labels.length > 0 && (
        <div class="refusal">
          <Icon name="warn" />
          <p>In use now: {labels.join("; ")}.</p>
        </div>
      )}
      <label class="field">
        Type the topic's name to go on
        <input class="mono" value={typed} autocomplete="off" onInput={(e) => setTyped(e.currentTarget.value)} />
      </label>
      <div>
        <button type="submit" class="danger" disabled={typed !== name}>
          <Icon name="trash" /> Delete {name}
        </button>
      </div>
      {error && <Refusal error={error} />}
    </form>
  );
}
