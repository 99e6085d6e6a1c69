import { expect, test } from "vitest";
import { corner, curve, edgeWidth, frame, sparkPath } from "../src/flow/geometry";
import { type Edge, edgeKey, layout } from "../src/flow/layout";

const node = (id: string) => ({ id, kind: id.split(":")[0] ?? "" });
const nodes = ["source:s", "topic:a", "topic:b", "topic:alone", "pipeline:p", "pipeline:q", "table:x", "table:y", "client:c"].map(node);
const edges: Edge[] = [
  ["source:s", "topic:a"], ["topic:a", "pipeline:p"], ["pipeline:p", "table:x"], ["pipeline:p", "table:y"],
  ["topic:b", "pipeline:q"], ["topic:b", "client:c"], ["table:x", "client:c"],
].map(([from = "", to = ""]) => ({ from, to }));

function overlaps(direction: "right" | "down"): string[] {
  const shape = layout(nodes, edges);
  const f = frame(shape, direction, 1000);
  const boxes = [...shape.boxes.values()].map((box) => ({ id: box.id, ...corner(box, f) }));
  return boxes.flatMap((a, i) =>
    boxes.slice(i + 1).flatMap((b) => (Math.abs(a.x - b.x) < f.node_width && Math.abs(a.y - b.y) < f.node_height ? [`${a.id} ${b.id}`] : [])),
  );
}

test("every arrow goes forward, kinds keep their columns", () => {
  const { boxes } = layout(nodes, edges);
  for (const { from, to } of edges) expect(boxes.get(from)?.layer).toBeLessThan(boxes.get(to)?.layer ?? 0);
  expect(boxes.get("topic:b")?.layer).toBe(boxes.get("topic:a")?.layer);
});

test("no two nodes overlap, in either direction", () => {
  expect(overlaps("right")).toEqual([]);
  expect(overlaps("down")).toEqual([]);
});

test("arrows do not cross where they need not", () => {
  const ids = ["source:s", "topic:r", "pipeline:m", "table:alerts", "table:band", "table:now", "client:c"];
  const lines = [["source:s", "topic:r"], ["topic:r", "pipeline:m"], ["pipeline:m", "table:alerts"], ["pipeline:m", "table:band"],
    ["pipeline:m", "table:now"], ["topic:r", "client:c"]].map(([from = "", to = ""]) => ({ from, to }));
  const shape = layout(ids.map(node), lines);
  const [m, via] = [shape.boxes.get("pipeline:m"), shape.routes.get(edgeKey({ from: "topic:r", to: "client:c" }))];
  const tables = ids.filter((id) => id.startsWith("table:")).map((id) => shape.boxes.get(id)?.slot ?? 0);
  const [beside, over] = [via?.[0]?.slot ?? 0, via?.[1]?.slot ?? 0];
  expect(beside < (m?.slot ?? 0) ? tables.every((slot) => over < slot) : tables.every((slot) => over > slot)).toBe(true);
});

test("everything lies within the frame", () => {
  const shape = layout(nodes, edges);
  for (const direction of ["right", "down"] as const) {
    const f = frame(shape, direction, 700);
    for (const box of shape.boxes.values()) {
      const { x, y } = corner(box, f);
      expect(Math.min(x, y)).toBeGreaterThanOrEqual(0);
      expect(x + f.node_width).toBeLessThanOrEqual(f.width + 1);
      expect(y + f.node_height).toBeLessThanOrEqual(f.height + 1);
    }
  }
});

test("an arrow over several columns passes beside the nodes, not through them", () => {
  const shape = layout(nodes, edges);
  const f = frame(shape, "right", 1000);
  for (const stop of shape.routes.get(edgeKey({ from: "topic:b", to: "client:c" })) ?? []) {
    const y = stop.slot * f.slot_pitch + f.node_height / 2;
    for (const box of shape.boxes.values())
      if (box.layer === stop.layer) expect(Math.abs(y - corner(box, f).y - f.node_height / 2)).toBeGreaterThan(f.node_height / 2);
  }
});

test("the order in which the server lists things moves nothing", () => {
  expect(layout([...nodes].reverse(), [...edges].reverse())).toEqual(layout(nodes, edges));
});

test("circles, loops, unknown ends and nothing at all are drawn without complaint", () => {
  const round = [{ from: "topic:a", to: "pipeline:p" }, { from: "pipeline:p", to: "topic:a" }, { from: "topic:a", to: "topic:a" }, { from: "topic:a", to: "gone" }];
  const shape = layout([node("topic:a"), node("pipeline:p")], round);
  expect(shape.boxes.size).toBe(2);
  const f = frame(shape, "right", 600);
  const [a, p] = [shape.boxes.get("topic:a"), shape.boxes.get("pipeline:p")];
  if (a && p) expect(curve(p, [], a, f).d).not.toMatch(/NaN|undefined/);
  expect(layout([], []).slots).toBe(1);
});

test("two hundred nodes are laid out in a blink", () => {
  const many = Array.from({ length: 200 }, (_, i) => node(`${["source", "topic", "pipeline", "table"][i % 4]}:${i}`));
  const lines = Array.from({ length: 300 }, (_, i) => ({ from: many[(i * 7) % 200]?.id ?? "", to: many[(i * 13 + 5) % 200]?.id ?? "" }));
  const start = performance.now();
  layout(many, lines);
  expect(performance.now() - start).toBeLessThan(500);
});

test("arrows thicken with throughput, within bounds", () => {
  expect(edgeWidth(0)).toBeLessThan(edgeWidth(1));
  expect(edgeWidth(10)).toBeLessThan(edgeWidth(10_000));
  expect(edgeWidth(1e12)).toBeLessThanOrEqual(7);
});

test("a sparkline ends at the right edge and says nothing of fewer than two points", () => {
  expect(sparkPath([1, 2, 3], 100, 20).line).toMatch(/L100 1$/);
  expect(sparkPath([5], 100, 20).line).toBe("");
});
