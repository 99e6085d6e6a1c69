// Send one record from the browser.
import { useState } from "preact/hooks";
import { ApiError, api } from "../api/client";
import { whole } from "../format/number";
import { Refusal } from "../parts/ago";
import { Icon } from "../parts/icons";
import { ProduceTabs } from "../parts/snippets";
import { withParams } from "../state/route";
import { BodyField, HeadersField, headersOf } from "./written";

export function ProducePanel({ topic }: { topic: string }) {
  const [key, setKey] = useState("");
  const [value, setValue] = useState('{"hello": "world"}');
  const [headers, setHeaders] = useState("");
  const [sent, setSent] = useState<{ partition: number; offset: number } | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const send = async (event: Event) => {
    event.preventDefault();
    try {
      // The text goes as it stands: what one sees is what is stored.
      const { offsets } = await api.produce(topic, { key: key || null, value, headers: headersOf(headers) });
      setSent(offsets[0] ?? null);
      setError(null);
    } catch (cause) {
      setError(cause instanceof ApiError ? cause : new ApiError(0, String(cause)));
    }
  };
  return (
    <>
      <form class="stack" onSubmit={send}>
        <label class="field">
          Key (empty: none)
          <input class="mono" value={key} onInput={(e) => setKey(e.currentTarget.value)} />
        </label>
        <BodyField name="Value" text={value} write={setValue} send={send} />
        <HeadersField text={headers} write={setHeaders} />
        <div class="row">
          <button type="submit" class="main">
            <Icon name="send" /> Send
          </button>
          {sent && (
            <span role="status" class="soft">
              Stored at{" "}
              <a href={withParams({ open: `record:${topic}:${sent.partition}:${sent.offset}` })}>
                partition {sent.partition}, offset {whole(sent.offset)}
              </a>
            </span>
          )}
        </div>
        {error && <Refusal error={error} />}
      </form>
      <div>
        <p class="small soft">Or from elsewhere</p>
        <ProduceTabs topic={topic} />
      </div>
    </>
  );
}
