// SQL cut into coloured pieces, line by line. A light reading, enough for the eye. Pure.

export type SqlKind = "word" | "text" | "number" | "note" | "name" | "plain";
export interface SqlPiece {
  text: string;
  kind: SqlKind;
}

const WORDS = new Set(
  `add all alter and as asc between bigint boolean by bytes case cast create cumulate date decimal delete desc descriptor distinct
  double drop else end enforced exists explain false filter first float following for from full group having hop if in inner insert int
  integer intersect interval into is join key last left like limit match_recognize not null of on or order outer over partition preceding
  primary range right row rows select session set smallint statement string table then time timestamp timestamp_ltz tinyint true tumble
  union unnest unbounded update using values varchar view watermark when where window with millisecond second seconds minute minutes hour
  hours day days month year begin`.split(/\s+/),
);

const TOKEN = /(--[^\n]*|\/\*[\s\S]*?(?:\*\/|$))|('(?:[^']|'')*'?)|(`[^`\n]*`?)|(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|([A-Za-z_][A-Za-z0-9_]*)|(\s+|[^\sA-Za-z0-9_'`])/g;

function kindOf(match: RegExpMatchArray): SqlKind {
  if (match[1] !== undefined) return "note";
  if (match[2] !== undefined) return "text";
  if (match[3] !== undefined) return "name";
  if (match[4] !== undefined) return "number";
  if (match[5] !== undefined && WORDS.has(match[5].toLowerCase())) return "word";
  return "plain";
}

export function sqlLines(sql: string): SqlPiece[][] {
  const lines: SqlPiece[][] = [[]];
  for (const match of sql.matchAll(TOKEN)) {
    const kind = kindOf(match);
    match[0].split("\n").forEach((text, at) => {
      if (at > 0) lines.push([]);
      if (text) lines[lines.length - 1]?.push({ text, kind });
    });
  }
  return lines;
}
