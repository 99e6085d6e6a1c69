import { expect, test } from "vitest";
import type { Operator } from "../src/api/types";
import { lanes, stepsOf } from "../src/flow/lanes";

const operator = (name: string, inputs: number[], more: Partial<Operator> = {}): Operator => ({ name, inputs, rows_in: 0, rows_out: 0, state_rows: 0, ...more });
const rows = (...inputs: number[][]) => inputs.map((each) => ({ inputs: each }));

test("a chain stays in one lane", () => {
  const { of, count } = lanes(rows([], [0], [1], [2]));
  expect(of).toEqual([0, 0, 0, 0]);
  expect(count).toBe(1);
});

test("what two steps read keeps its lane until the last of them", () => {
  const { of, threads } = lanes(rows([], [0], [1], [0], [3]));
  expect(of).toEqual([0, 1, 1, 0, 0]);
  expect(threads).toContainEqual({ from: 0, to: 1, lane: 0, into: 1 });
});

test("a join ends the lanes of both sides", () => {
  const { of, count } = lanes(rows([], [], [0, 1], [2]));
  expect(of).toEqual([0, 1, 0, 0]);
  expect(count).toBe(2);
});

test("no thread runs through a step that is not its own, whatever the graph", () => {
  let seed = 7;
  const random = (below: number) => (seed = (seed * 48271) % 2147483647) % below;
  for (let round = 0; round < 200; round += 1) {
    const steps = Array.from({ length: 12 }, (_, row) => ({ inputs: row ? [...new Set([random(row), random(row)])].slice(0, 1 + random(2)) : [] }));
    const { of, threads } = lanes(steps);
    for (const { from, to, lane } of threads) for (let row = from + 1; row < to; row += 1) expect([row, of[row]]).not.toEqual([row, lane]);
  }
});

test("each sink stands behind the operator that feeds it, and inputs are rows of the list", () => {
  const job = {
    inputs: [{ table: "readings", connector: "kafka", topic: "readings", rows: 0, dead_letters: 0, lag: 0, watermark_ms: null }],
    outputs: [
      { table: "now", connector: "upsert-kafka", topic: "now", rows: 0, operator: 1 },
      { table: "raw", connector: "kafka", topic: "raw", rows: 0, operator: 0 },
    ],
    operators: [operator("scan", [], { source: 0 }), operator("window aggregate", [0])],
  };
  expect(stepsOf(job).map((s) => [s.kind, s.name, s.inputs])).toEqual([
    ["scan", "readings", []],
    ["sink", "raw", [0]],
    ["operator", "window aggregate", [0]],
    ["sink", "now", [2]],
  ]);
});

test("an older worker's report is shown with what it says", () => {
  const old = [{ name: "scan", rows_in: 5, rows_out: 5, state_rows: 0 }, { name: "aggregate", rows_in: 5, rows_out: 1, state_rows: 3 }];
  const steps = stepsOf({ inputs: [], outputs: [{ table: "out", connector: "print", topic: "", rows: 1 }], operators: old });
  expect(steps.map((s) => [s.kind, s.inputs, s.state_rows, s.busy])).toEqual([["operator", [], 0, 0], ["operator", [], 3, 0]]);
});
