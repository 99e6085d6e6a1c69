// Publish one message to a queue from the browser.
import { useState } from "preact/hooks";
import { ApiError, api } from "../../api/client";
import { valid } from "../../format/json";
import { Refusal } from "../../parts/ago";
import { Icon } from "../../parts/icons";
import { PublishTabs } from "../../parts/snippets";
import { headersOf } from "../produce";
import { useDeed } from "./deed";

export function PublishPanel({ vhost, queue }: { vhost: string; queue: string }) {
  const [payload, setPayload] = useState('{"to": "ada"}');
  const [headers, setHeaders] = useState("");
  const [delay_s, setDelay] = useState("");
  const [sent, setSent] = useState(0);
  const looksJson = /^\s*[{[]/.test(payload);
  const { run, error } = useDeed(async () => {
    const delay = Number(delay_s) > 0 ? { "x-delay": Math.round(Number(delay_s) * 1000) } : {};
    const kind = looksJson && valid(payload) ? { content_type: "application/json" } : {};
    const { routed } = await api.publish(vhost, queue, { payload, properties: { delivery_mode: 2, ...kind, headers: { ...headersOf(headers), ...delay } } });
    if (!routed) throw new ApiError(404, `There is no queue ${queue} any more.`, "Create it again, or publish to another.");
    setSent(sent + 1);
  });
  return (
    <>
      <form class="stack" onSubmit={run}>
        <label class="field">
          Body
          <textarea aria-label="Body" value={payload} spellcheck={false} rows={7} onInput={(e) => setPayload(e.currentTarget.value)} onKeyDown={(e) => (e.ctrlKey || e.metaKey) && e.key === "Enter" && run(e)} />
          <span class={looksJson && !valid(payload) ? "warn-text" : ""}>{looksJson ? (valid(payload) ? "valid JSON" : "not valid JSON; it is sent as text") : "text"}</span>
        </label>
        <label class="field">
          Headers, one a line, name: value
          <textarea class="short" aria-label="Headers" value={headers} spellcheck={false} rows={2} onInput={(e) => setHeaders(e.currentTarget.value)} />
        </label>
        <label class="field">
          Deliver it so many seconds later (empty: now)
          <input type="number" min="0" step="any" value={delay_s} onInput={(e) => setDelay(e.currentTarget.value)} />
        </label>
        <div class="row">
          <button type="submit" class="main">
            <Icon name="send" /> Publish
          </button>
          {sent > 0 && (
            <span role="status" class="soft">
              {sent === 1 ? "Published, and safe." : `${sent} published, and safe.`}
            </span>
          )}
        </div>
        {error && <Refusal error={error} />}
      </form>
      <div>
        <p class="small soft">Or from elsewhere</p>
        <PublishTabs queue={queue} vhost={vhost} />
      </div>
    </>
  );
}
