// Where the nodes of the flow stand: layers from left to right (or top to bottom), few crossings, stable. Pure.

export interface Edge {
  from: string;
  to: string;
}
export interface LayoutNode {
  id: string;
  kind: string;
}
export interface Box {
  id: string;
  /** The layer, and the place within it, in slots: 0 is the first; fractions are usual. */
  layer: number;
  slot: number;
}
export interface Layout {
  boxes: Map<string, Box>;
  /** Where an arrow passes on its way, by `edgeKey`. */
  routes: Map<string, Box[]>;
  layers: number;
  slots: number;
}

/** The earliest layer of each kind, so that a column means one thing wherever the flow allows it. */
const FLOOR: Record<string, number> = { source: 0, topic: 1, pipeline: 2, table: 3, client: 4 };

/** Longest path from the left; an edge that closes a circle is left out of the reckoning. */
export function layersOf(nodes: readonly LayoutNode[], edges: readonly Edge[]): Map<string, number> {
  const kinds = new Map(nodes.map((n) => [n.id, n.kind]));
  const into = new Map<string, string[]>(nodes.map((n) => [n.id, []]));
  for (const { from, to } of edges) if (kinds.has(from)) into.get(to)?.push(from);
  const done = new Map<string, number>();
  const open = new Set<string>();
  const layer = (id: string): number => {
    const known = done.get(id);
    if (known !== undefined) return known;
    open.add(id);
    const before = (into.get(id) ?? []).filter((from) => !open.has(from)).map(layer);
    open.delete(id);
    const at = Math.max(FLOOR[kinds.get(id) ?? ""] ?? 0, ...before.map((l) => l + 1));
    done.set(id, at);
    return at;
  };
  for (const { id } of nodes) layer(id);
  return squeeze(done);
}

/** Columns that nobody stands in disappear. */
function squeeze(layers: Map<string, number>): Map<string, number> {
  const used = [...new Set(layers.values())].sort((a, b) => a - b);
  return new Map([...layers].map(([id, at]) => [id, used.indexOf(at)]));
}

/** The order within the columns: each node beside the middle of its neighbours, swept forth and back. */
function order(columns: string[][], edges: readonly Edge[]): void {
  const near = new Map<string, string[]>();
  for (const { from, to } of edges) {
    near.set(from, [...(near.get(from) ?? []), to]);
    near.set(to, [...(near.get(to) ?? []), from]);
  }
  const place = new Map<string, number>();
  const note = (column: string[]) => column.forEach((id, at) => place.set(id, (at + 0.5) / column.length));
  columns.forEach(note);
  const sweep = (column: string[], left: boolean, at: number) => {
    const beside = new Set((left ? columns.slice(0, at) : columns.slice(at + 1)).flat());
    const wish = new Map(
      column.map((id) => {
        const friends = (near.get(id) ?? []).filter((f) => beside.has(f)).map((f) => place.get(f) ?? 0);
        return [id, friends.length ? friends.reduce((a, b) => a + b) / friends.length : (place.get(id) ?? 0)];
      }),
    );
    column.sort((a, b) => (wish.get(a) ?? 0) - (wish.get(b) ?? 0));
    note(column);
  };
  for (let round = 0; round < 4; round += 1) {
    columns.forEach((column, at) => at > 0 && sweep(column, true, at));
    for (let at = columns.length - 2; at >= 0; at -= 1) sweep(columns[at] ?? [], false, at);
  }
  if (edges.length <= SWAPPED_EDGES_MAX) for (let round = 0; round < 4; round += 1) for (const column of columns) swap(column, columns, edges);
}

/** Beyond this the picture is a map, not a drawing, and one crossing more or less does not show. */
const SWAPPED_EDGES_MAX = 120;

/** How many pairs of arrows cross between neighbouring columns. */
export function crossings(columns: readonly string[][], edges: readonly Edge[]): number {
  const at = new Map(columns.flatMap((column, layer) => column.map((id, i) => [id, { layer, i }] as const)));
  const spans = edges.flatMap((e) => {
    const [a, b] = [at.get(e.from), at.get(e.to)];
    return a && b ? [{ layer: a.layer, from: a.i, to: b.i }] : [];
  });
  let crossed = 0;
  spans.forEach((e, i) => {
    for (const f of spans.slice(i + 1)) if (e.layer === f.layer && (e.from - f.from) * (e.to - f.to) < 0) crossed += 1;
  });
  return crossed;
}

/** Neighbours in a column change places where that leaves fewer crossings. */
function swap(column: string[], columns: readonly string[][], edges: readonly Edge[]): void {
  let least = crossings(columns, edges);
  for (let i = 1; i < column.length && least > 0; i += 1) {
    const [a = "", b = ""] = [column[i - 1], column[i]];
    [column[i - 1], column[i]] = [b, a];
    const now = crossings(columns, edges);
    if (now < least) least = now;
    else [column[i - 1], column[i]] = [a, b];
  }
}

/** The room a place takes in its column: an arrow that passes by needs less than a node. */
const room = (id: string): number => (passes(id) ? 0.4 : 1);
const roomOf = (column: readonly string[]): number => column.reduce((sum, id) => sum + room(id), 0);

/** Slots: centred columns, then each node drawn towards its neighbours as far as the order and its siblings allow. */
function slots(columns: string[][], edges: readonly Edge[]): Map<string, number> {
  const most = Math.max(1, ...columns.map(roomOf));
  const at = new Map<string, number>();
  for (const column of columns) {
    let next = (most - roomOf(column)) / 2;
    for (const id of column) {
      at.set(id, next + room(id) / 2);
      next += room(id);
    }
  }
  for (let round = 0; round < 8; round += 1)
    for (const column of columns) {
      const wish = column.map((id) => {
        const beside = edges.flatMap((e) => (e.from === id ? [at.get(e.to)] : e.to === id ? [at.get(e.from)] : []));
        const known = beside.filter((s): s is number => s !== undefined);
        return known.length ? known.reduce((a, b) => a + b) / known.length : (at.get(id) ?? 0);
      });
      settle(column, wish, most).forEach((slot, i) => at.set(column[i] ?? "", slot));
    }
  return at;
}

/** The wished middles moved apart until nobody overlaps, within 0 … most. */
function settle(column: readonly string[], wish: readonly number[], most: number): number[] {
  const half = column.map((id) => room(id) / 2);
  const out = [...wish];
  let low = 0;
  for (let i = 0; i < out.length; i += 1) {
    out[i] = Math.max(out[i] ?? 0, low + (half[i] ?? 0));
    low = (out[i] ?? 0) + (half[i] ?? 0);
  }
  let high = most;
  for (let i = out.length - 1; i >= 0; i -= 1) {
    out[i] = Math.min(out[i] ?? 0, high - (half[i] ?? 0));
    high = (out[i] ?? 0) - (half[i] ?? 0);
  }
  return out;
}

const passes = (id: string): boolean => id.startsWith("~");

/** Arrows over several layers go by way of places of their own, so that they pass beside nodes and not through them. */
function cut(edges: readonly Edge[], layerOf: Map<string, number>): { hops: Edge[]; via: Map<string, string[]> } {
  const hops: Edge[] = [];
  const via = new Map<string, string[]>();
  for (const edge of edges) {
    const [start, end] = [layerOf.get(edge.from) ?? 0, layerOf.get(edge.to) ?? 0];
    const between: string[] = [];
    for (let at = start + 1; at < end; at += 1) {
      const id = `~${edge.from} ${edge.to} ${at}`;
      layerOf.set(id, at);
      between.push(id);
    }
    via.set(edgeKey(edge), between);
    const stops = [edge.from, ...between, edge.to];
    for (let i = 1; i < stops.length; i += 1) hops.push({ from: stops[i - 1] ?? "", to: stops[i] ?? "" });
  }
  return { hops, via };
}

export const edgeKey = (edge: Edge): string => `${edge.from} ${edge.to}`;

export function layout(nodes: readonly LayoutNode[], edges: readonly Edge[]): Layout {
  // The server's order may change from one second to the next; ours must not.
  const sorted = [...nodes].sort((a, b) => (a.id < b.id ? -1 : 1));
  const known = new Set(sorted.map((n) => n.id));
  const inner = edges.filter((e) => known.has(e.from) && known.has(e.to) && e.from !== e.to);
  inner.sort((a, b) => (edgeKey(a) < edgeKey(b) ? -1 : 1));
  const layerOf = layersOf(sorted, inner);
  const layers = Math.max(0, ...layerOf.values()) + 1;
  const { hops, via } = cut(inner, layerOf);
  const columns: string[][] = Array.from({ length: layers }, () => []);
  for (const [id, at] of layerOf) columns[at]?.push(id);
  order(columns, hops);
  // Those without any arrow stand at the end of their column, out of the way.
  const linked = new Set(hops.flatMap((e) => [e.from, e.to]));
  for (const column of columns) column.sort((a, b) => Number(linked.has(b)) - Number(linked.has(a)));
  const slotOf = slots(columns, hops);
  // An arrow may pass above the topmost node: the picture begins there.
  const first = Math.min(...[...slotOf].map(([id, slot]) => slot - (passes(id) ? 0.3 : 0.5)), Number.POSITIVE_INFINITY);
  const box = (id: string): Box => ({ id, layer: layerOf.get(id) ?? 0, slot: (slotOf.get(id) ?? 0.5) - 0.5 - first });
  const boxes = new Map(sorted.map((n) => [n.id, box(n.id)]));
  const routes = new Map([...via].map(([key, ids]) => [key, ids.map(box)]));
  return { boxes, routes, layers, slots: Math.max(1, ...[...boxes.values()].map((b) => b.slot + 1), ...[...routes.values()].flat().map((b) => b.slot + 0.8)) };
}
