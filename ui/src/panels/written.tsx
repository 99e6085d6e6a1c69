// What a person writes into a record or a message: its body, with a word on whether that is JSON, and its headers.
import { valid } from "../format/json";

type Written = { text: string; write: (text: string) => void };

export const looksJson = (text: string) => /^\s*[{[]/.test(text);

export function headersOf(text: string): Record<string, string> {
  const lines = text.split("\n").filter((line) => line.includes(":"));
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf(":")).trim(), line.slice(line.indexOf(":") + 1).trim()]));
}

export function BodyField({ name, text, write, send }: Written & { name: string; send: (event: Event) => unknown }) {
  return (
    <label class="field">
      {name}
      <textarea aria-label={name} value={text} spellcheck={false} rows={7} onInput={(e) => write(e.currentTarget.value)} onKeyDown={(e) => (e.ctrlKey || e.metaKey) && e.key === "Enter" && void send(e)} />
      <span class={looksJson(text) && !valid(text) ? "warn-text" : ""}>{looksJson(text) ? (valid(text) ? "valid JSON" : "not valid JSON; it is sent as text") : "text"}</span>
    </label>
  );
}

export function HeadersField({ text, write }: Written) {
  return (
    <label class="field">
      Headers, one a line, name: value
      <textarea class="short" aria-label="Headers" value={text} spellcheck={false} rows={2} onInput={(e) => write(e.currentTarget.value)} />
    </label>
  );
}
