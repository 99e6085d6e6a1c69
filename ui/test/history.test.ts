import { expect, test } from "vitest";
import { History, spans } from "../src/charts/history";

const history = () => new History(10_000, 2500);

test("lines share one time axis; a missing point is not a gap", () => {
  const h = history();
  h.note("a", 1000, 1);
  h.note("a", 2000, 2);
  h.note("b", 2000, 9);
  expect(h.aligned(["a", "b"])).toEqual([[1, 2], [1, 2], [undefined, 9]]);
});

test("silence longer than the gap breaks the line", () => {
  const h = history();
  h.note("a", 1000, 1);
  h.note("a", 9000, 2);
  expect(h.aligned(["a"])).toEqual([[1, 1.001, 9], [1, null, 2]]);
});

test("a late point finds its place and a second value replaces the first", () => {
  const h = history();
  for (const [at, v] of [[1000, 1], [3000, 3], [2000, 2], [3000, 4]] as const) h.note("a", at, v);
  expect(h.aligned(["a"])).toEqual([[1, 2, 3], [1, 2, 4]]);
  expect(h.last("a")).toEqual({ at_ms: 3000, value: 4 });
});

test("what is older than the chart is forgotten", () => {
  const h = history();
  h.note("a", 1000, 1);
  h.note("b", 5000, 1);
  h.forgetBefore(4000);
  expect(h.names()).toEqual(["b"]);
  expect(h.last("a")).toBeNull();
});

test("alerts of seconds that follow each other are one span", () => {
  expect(spans([5000, 1000, 2000, 3000, 9000])).toEqual([[1000, 5000], [9000, 9000]]);
  expect(spans([])).toEqual([]);
});
