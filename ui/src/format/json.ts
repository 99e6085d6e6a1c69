// JSON laid out for reading. Works on the text, never on parsed numbers: 9007199254740993 stays what was sent. Pure.

export type Kind = "key" | "string" | "number" | "word" | "mark";
export interface Piece {
  text: string;
  kind: Kind;
}

const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null|[{}[\],:]/g;
const PRETTY_CHARS_MAX = 200_000;

/** The text in coloured pieces, indented; null where it is not a JSON object or array (or too large to lay out). */
export function pretty(text: string): Piece[] | null {
  const start = text.trimStart()[0];
  if ((start !== "{" && start !== "[") || text.length > PRETTY_CHARS_MAX || !valid(text)) return null;
  const tokens = text.match(TOKEN) ?? [];
  const pieces: Piece[] = [];
  let depth = 0;
  const line = () => `\n${"  ".repeat(depth)}`;
  tokens.forEach((token, at) => {
    const next = tokens[at + 1];
    if (token === "{" || token === "[") {
      depth += 1;
      const empty = next === "}" || next === "]";
      pieces.push({ text: token + (empty ? "" : line()), kind: "mark" });
    } else if (token === "}" || token === "]") {
      depth -= 1;
      const before = tokens[at - 1];
      pieces.push({ text: (before === "{" || before === "[" ? "" : line()) + token, kind: "mark" });
    } else if (token === ",") pieces.push({ text: `,${line()}`, kind: "mark" });
    else if (token === ":") pieces.push({ text: ": ", kind: "mark" });
    else pieces.push({ text: token, kind: kindOf(token, next) });
  });
  return pieces;
}

function kindOf(token: string, next: string | undefined): Kind {
  if (token.startsWith('"')) return next === ":" ? "key" : "string";
  return /^[tfn]/.test(token) ? "word" : "number";
}

export function valid(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Base64 as sixteen bytes a line: offset, hex, text. */
export function hexdump(base64: string, bytes_max = 4096): string {
  const raw = atob(base64).slice(0, bytes_max);
  const lines: string[] = [];
  for (let at = 0; at < raw.length; at += 16) {
    const part = [...raw.slice(at, at + 16)].map((c) => c.charCodeAt(0));
    const hex = part.map((b) => b.toString(16).padStart(2, "0")).join(" ");
    const text = part.map((b) => (b >= 32 && b < 127 ? String.fromCharCode(b) : "·")).join("");
    lines.push(`${at.toString(16).padStart(4, "0")}  ${hex.padEnd(47)}  ${text}`);
  }
  return lines.join("\n");
}
