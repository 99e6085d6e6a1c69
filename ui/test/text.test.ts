import { expect, test } from "vitest";
import { hexdump, pretty } from "../src/format/json";
import { pythonLines, sqlLines } from "../src/format/code";
import { lineToChange } from "../src/format/advice";

const laid = (text: string) => pretty(text)?.map((p) => p.text).join("");

test("JSON is laid out as JSON.stringify would", () => {
  const value = { a: [1, 2, { b: null }], "c:d": "x, {y}", e: {}, f: [], g: -1.5e3, h: true };
  const text = JSON.stringify(value);
  expect(laid(text)).toBe(JSON.stringify({ ...value }, null, 2).replace("-1500", "-1500"));
});

test("numbers stay as they were sent, to the last digit", () => {
  expect(laid('{"id":9007199254740993,"p":1.10}')).toBe('{\n  "id": 9007199254740993,\n  "p": 1.10\n}');
});

test("keys and strings differ in colour, also where a string looks like a key", () => {
  const kinds = pretty('{"a":"b","c":["d:"]}')?.filter((p) => p.text.startsWith('"')).map((p) => p.kind);
  expect(kinds).toEqual(["key", "string", "key", "string"]);
});

test("text that is no JSON object, broken JSON, or too long is left alone", () => {
  for (const text of ["hello", '{"a":', "12", '"x"', `["${"x".repeat(300_000)}"]`]) expect(pretty(text)).toBeNull();
});

test("a hexdump shows offset, bytes and text", () => {
  expect(hexdump(btoa("Penstock\u0000\u00ff"))).toBe(`0000  50 65 6e 73 74 6f 63 6b 00 ff${" ".repeat(18)}  Penstock··`);
});

test("SQL keeps every character, line by line", () => {
  const sql = "SELECT `at`, 'it''s'\n-- note 'x\nFROM t /* a\nb */ WHERE n > 1.5e3 AND x <> 'open";
  expect(sqlLines(sql).map((line) => line.map((p) => p.text).join("")).join("\n")).toBe(sql);
});

test("SQL words, texts, names and notes are told apart", () => {
  const [line = []] = sqlLines("SELECT `select` FROM selected -- FROM");
  expect(line.filter((p) => p.text.trim()).map((p) => p.kind)).toEqual(["word", "name", "word", "plain", "note"]);
});

test("the line to change is the one below the comment that says so", () => {
  const sql = "-- The machine.\nSELECT 1\n-- Change 3 to 1 and save:\n-- more alerts.\nWHERE x > 3 * y";
  expect(lineToChange(sql)).toEqual({ line: 5, text: "WHERE x > 3 * y", advice: "Change 3 to 1 and save: more alerts." });
});

test("without such a comment it is the window's length, and without a window nothing", () => {
  expect(lineToChange("SELECT 1\nFROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(at), INTERVAL '1' SECOND))")?.line).toBe(2);
  expect(lineToChange("SELECT 1")).toBeNull();
});

test("Python keeps every character, and its words inside texts and notes are none", () => {
  const code = `"""Who signs up
is welcomed and"""
@app.task(queue="emails")  # not a word
async def welcome(user: str) -> None:
    raise ValueError(f'{user!r} is "none"')
x = 'open
y = 1_000 @ 2.5e3`;
  const lines = pythonLines(code);
  expect(lines.map((line) => line.map((p) => p.text).join("")).join("\n")).toBe(code);
  const words = lines.flat().filter((p) => p.kind === "word").map((p) => p.text);
  expect(words).toEqual(["async", "def", "None", "raise"]);
  expect(lines[2]?.map((p) => p.kind).filter((kind) => kind !== "plain")).toEqual(["name", "text", "note"]);
  expect(lines[6]?.filter((p) => p.kind === "number").map((p) => p.text)).toEqual(["1_000", "2.5e3"]);
});
