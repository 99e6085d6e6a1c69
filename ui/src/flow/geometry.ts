// From layers and slots to pixels, in either direction; the curves between. Pure.
import type { Box, Layout } from "./layout";

export type Direction = "right" | "down";
export interface Frame {
  direction: Direction;
  width: number;
  height: number;
  node_width: number;
  node_height: number;
  spark_height: number;
  layer_pitch: number;
  slot_pitch: number;
}

const NODE = { right: { height: 76, spark: 28, least: 140, most: 200 }, down: { height: 60, spark: 17, least: 78, most: 168 } } as const;
/** Between columns: room for an arrow and its rate. */
const GAP = 66;
/** An arrow swells to this width at very high rates; one extra pixel each tenfold. */
const EDGE_WIDTH_MAX = 7;

/** `tall` is the height one may fill: columns with few nodes breathe, crowded ones scroll. */
export function frame(shape: Layout, direction: Direction, room: number, tall = 0): Frame {
  const { height, spark, least, most } = NODE[direction];
  if (direction === "right") {
    const fits = (room - (shape.layers - 1) * GAP) / shape.layers;
    const node_width = Math.round(Math.min(most, Math.max(least, fits)));
    const free = shape.layers > 1 ? (room - shape.layers * node_width) / (shape.layers - 1) : 0;
    const layer_pitch = node_width + Math.floor(Math.min(150, Math.max(GAP * 0.7, free)));
    const slot_pitch = Math.round(Math.min(height * 1.75, Math.max(height + 16, tall / shape.slots)));
    const width = (shape.layers - 1) * layer_pitch + node_width;
    return { direction, width, height: (shape.slots - 1) * slot_pitch + height, node_width, node_height: height, spark_height: spark, layer_pitch, slot_pitch };
  }
  const gap = 8;
  const node_width = Math.floor(Math.min(most, Math.max(least, (room + gap) / shape.slots - gap)));
  const slot_pitch = node_width + gap;
  const layer_pitch = height + 40;
  const width = (shape.slots - 1) * slot_pitch + node_width;
  return { direction, width, height: (shape.layers - 1) * layer_pitch + height, node_width, node_height: height, spark_height: spark, layer_pitch, slot_pitch };
}

export function corner(box: Box, f: Frame): { x: number; y: number } {
  const [along, across] = [box.layer * f.layer_pitch, box.slot * f.slot_pitch];
  return f.direction === "right" ? { x: along, y: across } : { x: across, y: along };
}

/** A curve from node to node by way of the places kept free for it, and the middle of its first stretch. */
export function curve(from: Box, via: readonly Box[], to: Box, f: Frame): { d: string; label: { x: number; y: number } } {
  const right = f.direction === "right";
  const [deep, wide] = right ? [f.node_width, f.node_height] : [f.node_height, f.node_width];
  // (u, v): u runs along the flow, v across it.
  const port = (box: Box, leaving: boolean): [number, number] => [
    box.layer * f.layer_pitch + (leaving ? deep : 0),
    box.slot * f.slot_pitch + wide / 2,
  ];
  const text = ([u, v]: [number, number]) => (right ? `${r(u)} ${r(v)}` : `${r(v)} ${r(u)}`);
  const stops: [number, number][] = [port(from, true)];
  for (const box of via) stops.push(port(box, false), port(box, true));
  const [u, v] = port(to, false);
  stops.push([u - 5, v]);
  let d = `M${text(stops[0] ?? [0, 0])}`;
  for (let i = 1; i < stops.length; i += 1) {
    const [a, b] = stretch(stops, i);
    const bend = Math.max(14, Math.abs(b[0] - a[0]) * 0.5);
    d += i % 2 ? `C${text([a[0] + bend, a[1]])} ${text([b[0] - bend, b[1]])} ${text(b)}` : `L${text(b)}`;
  }
  const [a, b] = stretch(stops, 1);
  const [mu, mv] = [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
  return { d, label: right ? { x: mu, y: mv } : { x: mv, y: mu } };
}

type Point = [number, number];
const ORIGIN: Point = [0, 0];
const stretch = (stops: readonly Point[], i: number): [Point, Point] => [stops[i - 1] ?? ORIGIN, stops[i] ?? ORIGIN];

const r = (value: number) => Math.round(value * 10) / 10;

export function edgeWidth(rate: number): number {
  return rate > 0 ? Math.min(EDGE_WIDTH_MAX, 1.5 + Math.log10(1 + rate)) : 1.2;
}

/** Beats (of a tenth of a second) that a pulse takes to pass: busier is faster, never hectic. */
export function pulseBeats(rate: number): number {
  return Math.max(9, Math.round(24 - 3.5 * Math.log10(1 + rate)));
}

/** A sparkline over the last minute: newest at the right end, scaled from zero. */
export function sparkPath(values: readonly number[], width: number, height: number, slots = 60): { line: string; area: string } {
  const last = values.slice(-slots);
  const top = Math.max(...last, 1e-9);
  const step = width / (slots - 1);
  const points = last.map((value, at) => {
    const x = width - (last.length - 1 - at) * step;
    return `${r(x)} ${r(height - 1 - (Math.max(0, value) / top) * (height - 2))}`;
  });
  if (points.length < 2) return { line: "", area: "" };
  const line = `M${points.join("L")}`;
  const start = r(width - (last.length - 1) * step);
  return { line, area: `${line}L${width} ${height}L${start} ${height}Z` };
}
