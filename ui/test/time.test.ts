import { expect, test } from "vitest";
import { THIN } from "../src/format/number";
import { ago, duration, instant, isNumber, isTime } from "../src/format/time";

const plain = (text: string) => text.replaceAll(THIN, " ");

test("durations have at most two units", () => {
  expect([0, 0.0002, 0.085, 0.9996, 240].map((ms) => plain(duration(ms)))).toEqual(["0 ms", "1 µs", "85 µs", "1 ms", "240 ms"]);
  expect(plain(duration(3_210))).toBe("3.2 s");
  expect(plain(duration(250_000))).toBe("4 min 10 s");
  expect(plain(duration(7_500_000))).toBe("2 h 5 min");
  expect(plain(duration(86_400_000))).toBe("1 d");
});

test("relative times are coarse and read both ways", () => {
  expect(plain(ago(1_000_000 - 12_000, 1_000_000))).toBe("12 s ago");
  expect(ago(1_000_000, 1_000_000)).toBe("now");
  expect(plain(ago(1_010_000, 1_000_000))).toBe("in 10 s");
  expect(ago(0, 1_000_000)).toBe("never");
});

test("an SQL timestamp is UTC; a zone that is written is obeyed", () => {
  const at = Date.UTC(2026, 10, 22, 11, 0, 0, 100);
  expect(instant("2026-11-22 11:00:00.100")).toBe(at);
  expect(instant("2026-11-22T11:00:00.100Z")).toBe(at);
  expect(instant("2026-11-22T12:00:00.100+01:00")).toBe(at);
  expect(instant("2026-11-22")).toBe(Date.UTC(2026, 10, 22));
  expect(instant(at)).toBe(at);
});

test("what is no time is null", () => {
  for (const value of ["cpu", "", null, undefined, {}, "2026-99-99 00:00:00"]) expect(instant(value)).toBeNull();
});

test("column kinds are told apart by their first word", () => {
  expect(isTime("TIMESTAMP_LTZ(3)") && isTime("DATE")).toBe(true);
  expect(isNumber("DECIMAL(10, 2)") && isNumber("BIGINT NOT NULL")).toBe(true);
  expect(isTime("STRING") || isNumber("STRING") || isNumber("TIMESTAMP(3)")).toBe(false);
});
