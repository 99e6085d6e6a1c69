// One dead letter: why it died, its body to look at and to edit, and the way back.
import { useEffect, useState } from "preact/hooks";
import { ApiError, api } from "../api/client";
import { usePoll } from "../api/poll";
import type { Letter } from "../api/types";
import { hexdump, valid } from "../format/json";
import { letterKey } from "../format/source";
import { Ago, Refusal, Waiting } from "../parts/ago";
import { Icon } from "../parts/icons";
import { go, withParams } from "../state/route";
import { DealProgress } from "./deal";

export function LetterPanel({ source, name }: { source: string; name: string }) {
  const [operation, setOperation] = useState("");
  const [gone, setGone] = useState(false);
  const asked = usePoll(`letter ${source} ${name}`, (signal) => api.letter(source, name, signal), gone ? 0 : 3000);
  const letter = asked.value;
  useEffect(() => setGone(asked.error?.status === 404), [asked.error]);
  if (!letter) return <Waiting of={asked} />;
  return (
    <>
      <Facts letter={letter} />
      {letter.state === "waiting" && !gone ? <Doing source={source} letter={letter} sent={(name) => (setOperation(name), asked.reload())} /> : <Done letter={letter} />}
      {operation && <DealProgress operation={operation} over={asked.reload} />}
      {letter.headers.length > 0 && (
        <details>
          <summary>{letter.headers.length} headers</summary>
          <dl class="pairs">
            {letter.headers.map(([key, value], i) => [<dt class="mono" key={i}>{key}</dt>, <dd class="mono" key={`${i}=`}>{value ?? "null"}</dd>])}
          </dl>
        </details>
      )}
      {letter.trace && (
        <details>
          <summary>Stack trace</summary>
          <pre class="json">{letter.trace}</pre>
        </details>
      )}
    </>
  );
}

function Facts({ letter }: { letter: Letter }) {
  const facts: [string, preact.ComponentChildren][] = [
    ["came from", letter.origin || "unknown"],
    ["failed by", letter.owner || "unknown"],
    ["key", letter.key ?? "none"],
    ["attempts", letter.attempts],
    ["sent back before", letter.redrives],
    ["first failed", <Ago at_ms={letter.first_ms} />],
    ["last failed", <Ago at_ms={letter.last_ms} />],
  ];
  return (
    <>
      <div class="refusal">
        <Icon name="error" />
        <div>
          <p>{letter.message || letter.reason}</p>
          {(letter.message || letter.exception) && (
            <p class="mono small soft">
              {letter.reason}
              {letter.exception && ` · ${letter.exception}`}
            </p>
          )}
        </div>
      </div>
      <dl class="pairs">{facts.map(([word, value]) => [<dt key={word}>{word}</dt>, <dd class="mono" key={`${word}=`}>{value}</dd>])}</dl>
    </>
  );
}

const WORDS: Record<string, string> = { waiting: "It is not in the queue any more.", redriven: "It was sent back.", purged: "It was given up.", replaced: "An edited letter stands in its place." };

function Done({ letter }: { letter: Letter }) {
  return (
    <>
      <p role="status">{WORDS[letter.state]}</p>
      <Body letter={letter} />
    </>
  );
}

function Body({ letter }: { letter: Letter }) {
  if (letter.value === null) return <p class="faint mono">null</p>;
  return letter.encoding.value === "base64" ? <pre class="hex">{hexdump(letter.value)}</pre> : <pre class="json">{letter.value}</pre>;
}

function Doing({ source, letter, sent }: { source: string; letter: Letter; sent: (operation: string) => void }) {
  const [text, setText] = useState(letter.value ?? "");
  const [error, setError] = useState<ApiError | null>(null);
  const asText = letter.encoding.value !== "base64";
  const changed = asText && text !== (letter.value ?? "");
  const trying = async (work: () => Promise<void>) => {
    try {
      setError(null);
      await work();
    } catch (cause) {
      setError(cause instanceof ApiError ? cause : new ApiError(0, String(cause)));
    }
  };
  const save = () =>
    trying(async () => {
      const { name } = await api.editLetter(source, letter.name, text);
      go(withParams({ open: name ? `letter:${letterKey(source, name)}` : null }));
    });
  const send = () => trying(async () => sent((await api.deal(source, "redrive", { names: [letter.name] })).operation));
  const looksJson = /^\s*[{[]/.test(text);
  return (
    <div class="stack">
      {asText ? (
        <label class="field">
          Body
          <textarea aria-label="Body" value={text} spellcheck={false} rows={9} onInput={(e) => setText(e.currentTarget.value)} />
          <span class={looksJson && !valid(text) ? "warn-text" : ""}>{looksJson ? (valid(text) ? "valid JSON" : "not valid JSON") : "text"}</span>
        </label>
      ) : (
        <Body letter={letter} />
      )}
      <div class="row">
        <button type="button" disabled={!changed} onClick={save}>
          <Icon name="check" /> Save as a new letter
        </button>
        <button type="button" class="main" disabled={changed || letter.omitted || !letter.target} onClick={send}>
          <Icon name="send" /> Send back to {letter.target || "?"}
        </button>
      </div>
      {letter.omitted && <p class="soft">Its body was left out when it was written: it cannot be sent back.</p>}
      {error && <Refusal error={error} />}
    </div>
  );
}
