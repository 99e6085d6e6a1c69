import { expect, test } from "vitest";
import { bytes, count, measure, plural, rate, THIN, whole } from "../src/format/number";

const plain = (text: string) => text.replaceAll(THIN, " ");

test("a rate has three figures, a prefix and its unit", () => {
  expect(plain(rate(0))).toBe("0 /s");
  expect(plain(rate(7))).toBe("7 /s");
  expect(plain(rate(0.2))).toBe("0.20 /s");
  expect(plain(rate(12_400))).toBe("12.4 k/s");
  expect(plain(rate(1_250_000))).toBe("1.25 M/s");
});

test("sizes are in bytes with prefixes of a thousand", () => {
  expect(plain(bytes(3_100_000))).toBe("3.10 MB");
  expect(plain(bytes(512))).toBe("512 B");
});

test("rounding never leaves a thousand where the next prefix belongs", () => {
  expect(plain(rate(999_999))).toBe("1.00 M/s");
  expect(plain(bytes(999.9))).toBe("1.00 kB");
});

test("small counts keep every digit, in groups of three", () => {
  expect(plain(count(1240))).toBe("1 240");
  expect(plain(count(161_400))).toBe("161 k");
  expect(plain(whole(9_876_543))).toBe("9 876 543");
  expect(plain(whole(-1234))).toBe("-1 234");
});

test("what is no number is a dash, not NaN", () => {
  expect(rate(Number.NaN)).toBe("–");
  expect(measure(null, "%")).toBe("–");
  expect(whole(Number.POSITIVE_INFINITY)).toBe("–");
});

test("a measured value keeps the unit it came with", () => {
  expect(plain(measure(1234.5, "MB/s"))).toBe("1235 MB/s");
  expect(plain(measure(0.081, "MB/s"))).toBe("0.08 MB/s");
  expect(plain(measure(37.46, "%"))).toBe("37.5 %");
  expect(plain(measure(0.98))).toBe("0.98");
});

test("nouns follow their number", () => {
  expect(plural(1, "record")).toBe("1 record");
  expect(plural(0, "record")).toBe("0 records");
  expect(plural(2, "record behind", "records behind")).toBe("2 records behind");
});
