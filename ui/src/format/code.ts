// SQL and Python cut into coloured pieces, line by line. A light reading, enough for the eye. Pure.

export type CodeKind = "word" | "text" | "number" | "note" | "name" | "plain";
export interface CodePiece {
  text: string;
  kind: CodeKind;
}

const SQL_WORDS = new Set(
  `add all alter and as asc between bigint boolean by bytes case cast create cumulate date decimal delete desc descriptor distinct
  double drop else end enforced exists explain false filter first float following for from full group having hop if in inner insert int
  integer intersect interval into is join key last left like limit match_recognize not null of on or order outer over partition preceding
  primary range right row rows select session set smallint statement string table then time timestamp timestamp_ltz tinyint true tumble
  union unnest unbounded update using values varchar view watermark when where window with millisecond second seconds minute minutes hour
  hours day days month year begin`.split(/\s+/),
);

// Their groups: note, text, name, number, word; what is in none is plain.
const SQL = /(--[^\n]*|\/\*[\s\S]*?(?:\*\/|$))|('(?:[^']|'')*'?)|(`[^`\n]*`?)|(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|([A-Za-z_][A-Za-z0-9_]*)|(\s+|[^\sA-Za-z0-9_'`])/g;

const PYTHON_WORDS = new Set(
  `and as assert async await break case class continue def del elif else except False finally for from global if import in is lambda match
  None nonlocal not or pass raise return True try while with yield`.split(/\s+/),
);
const PYTHON =
  /(#[^\n]*)|((?:[rbfuRBFU]{1,2})?(?:"""[\s\S]*?(?:"""|$)|'''[\s\S]*?(?:'''|$)|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?))|(@[A-Za-z_][\w.]*)|(\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?)|([A-Za-z_]\w*)|(\s+|[^\sA-Za-z0-9_'"#@]|@)/g;

const KINDS: readonly CodeKind[] = ["note", "text", "name", "number"];

function kindOf(match: RegExpMatchArray, isWord: (word: string) => boolean): CodeKind {
  const group = KINDS.findIndex((_, at) => match[at + 1] !== undefined);
  return KINDS[group] ?? (match[5] !== undefined && isWord(match[5]) ? "word" : "plain");
}

function cut(code: string, token: RegExp, isWord: (word: string) => boolean): CodePiece[][] {
  const lines: CodePiece[][] = [[]];
  for (const match of code.matchAll(token)) {
    const kind = kindOf(match, isWord);
    match[0].split("\n").forEach((text, at) => {
      if (at > 0) lines.push([]);
      if (text) lines[lines.length - 1]?.push({ text, kind });
    });
  }
  return lines;
}

export const sqlLines = (sql: string): CodePiece[][] => cut(sql, SQL, (word) => SQL_WORDS.has(word.toLowerCase()));
export const pythonLines = (code: string): CodePiece[][] => cut(code, PYTHON, (word) => PYTHON_WORDS.has(word));
