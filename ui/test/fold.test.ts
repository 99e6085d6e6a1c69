import { expect, test } from "vitest";
import { Fold } from "../src/state/fold";

const row = (id: string, n: number) => ({ id, n });
const upsert = (id: string, n: number) => ({ kind: "upsert" as const, key: { id }, row: row(id, n), at_ms: 0 });

test("a snapshot in parts shows nothing until it is whole", () => {
  const fold = new Fold(["id"]);
  fold.snapshot({ rows: [row("a", 1)], done: false });
  expect(fold.rows.size).toBe(0);
  fold.snapshot({ rows: [row("b", 2)], done: true });
  expect([...fold.rows.values()]).toEqual([row("a", 1), row("b", 2)]);
});

test("changes upsert and delete by the whole key", () => {
  const fold = new Fold(["x", "y"]);
  fold.snapshot({ rows: [{ x: "1", y: 2, n: 0 }, { x: "1", y: 3, n: 0 }], done: true });
  fold.change({ kind: "delete", key: { y: 2, x: "1" }, row: null, at_ms: 0 }, 5);
  fold.change({ kind: "upsert", key: { x: "1", y: 3 }, row: { x: "1", y: 3, n: 7 }, at_ms: 0 }, 6);
  expect([...fold.rows.values()]).toEqual([{ x: "1", y: 3, n: 7 }]);
});

test("after a reset the old rows stay to be seen until the new snapshot replaces them", () => {
  const fold = new Fold(["id"]);
  fold.snapshot({ rows: [row("a", 1), row("gone", 1)], done: true });
  fold.reset();
  fold.snapshot({ rows: [row("a", 2)], done: false });
  expect(fold.rows.get('["gone"]')).toEqual(row("gone", 1));
  fold.snapshot({ rows: [], done: true });
  expect([...fold.rows.values()]).toEqual([row("a", 2)]);
});

test("a snapshot cut in half and begun again keeps nothing of the first", () => {
  const fold = new Fold(["id"]);
  fold.snapshot({ rows: [row("stale", 1)], done: false });
  fold.reset();
  fold.snapshot({ rows: [row("a", 1)], done: true });
  expect([...fold.rows.keys()]).toEqual(['["a"]']);
});

test("any mix of changes folds to the same rows as a plain map", () => {
  const fold = new Fold(["id"]);
  fold.snapshot({ rows: [], done: true });
  const truth = new Map<string, number>();
  let seed = 42;
  const next = () => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648);
  for (let i = 0; i < 5000; i += 1) {
    const id = `k${next() % 50}`;
    if (next() % 4 === 0) {
      truth.delete(id);
      fold.change({ kind: "delete", key: { id }, row: null, at_ms: 0 }, i);
    } else {
      truth.set(id, i);
      fold.change(upsert(id, i), i);
    }
  }
  expect(new Map([...fold.rows.values()].map((r) => [r.id, r.n]))).toEqual(truth);
});
