// Publish one message to a queue from the browser.
import { useState } from "preact/hooks";
import { ApiError, api } from "../../api/client";
import { valid } from "../../format/json";
import { Refusal } from "../../parts/ago";
import { Icon } from "../../parts/icons";
import { PublishTabs } from "../../parts/snippets";
import { BodyField, HeadersField, headersOf, looksJson } from "../written";
import { useDeed } from "./deed";

export function PublishPanel({ vhost, queue }: { vhost: string; queue: string }) {
  const [payload, setPayload] = useState('{"to": "ada"}');
  const [headers, setHeaders] = useState("");
  const [delay_s, setDelay] = useState("");
  const [sent, setSent] = useState(0);
  const { run, error } = useDeed(async () => {
    const delay = Number(delay_s) > 0 ? { "x-delay": Math.round(Number(delay_s) * 1000) } : {};
    const kind = looksJson(payload) && valid(payload) ? { content_type: "application/json" } : {};
    const { routed } = await api.publish(vhost, queue, { payload, properties: { delivery_mode: 2, ...kind, headers: { ...headersOf(headers), ...delay } } });
    if (!routed) throw new ApiError(404, `There is no queue ${queue} any more.`, "Create it again, or publish to another.");
    setSent(sent + 1);
  });
  return (
    <>
      <form class="stack" onSubmit={run}>
        <BodyField name="Body" text={payload} write={setPayload} send={run} />
        <HeadersField text={headers} write={setHeaders} />
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
