// The flow as a picture: nodes in HTML over arrows in SVG. Draws what it is given; the layout is computed elsewhere.
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Flow, FlowEdge, FlowNode } from "../api/types";
import { rate as rateText, plural, THIN, count } from "../format/number";
import { HealthMark, Icon, KIND_WORD } from "../parts/icons";
import { params, withParams } from "../state/route";
import { corner, curve, type Direction, edgeWidth, type Frame, frame, pulseBeats } from "./geometry";
import { edgeKey, type Layout, layout } from "./layout";
import { beat, PULSE_APART } from "./pulses";
import { Spark } from "./spark";

export function Graph({ flow, direction }: { flow: Flow; direction?: Direction }) {
  const place = useRef<HTMLDivElement>(null);
  const [room, setRoom] = useState(0);
  useLayoutEffect(() => {
    const element = place.current;
    if (!element) return;
    const watch = new ResizeObserver(([entry]) => setRoom(Math.floor(entry?.contentRect.width ?? 0)));
    watch.observe(element);
    return () => watch.disconnect();
  }, []);
  useEffect(() => (place.current ? beat(place.current) : undefined), []);
  // Only a new shape moves boxes: numbers change every second, places do not.
  const shapeKey = useMemo(
    () => JSON.stringify([flow.nodes.map((n) => n.id).sort(), flow.edges.map(edgeKey).sort()]),
    [flow],
  );
  const shape = useMemo(() => layout(flow.nodes, flow.edges), [shapeKey]);
  const way = direction ?? (room < 640 ? "down" : "right");
  const tall = Math.max(0, innerHeight - 160);
  const f = useMemo(() => frame(shape, way, room, tall), [shape, way, room, tall]);
  return (
    <div class={`graph flows-${way}`} ref={place}>
      {room > 0 && (
        <div class="graph-sheet" style={{ width: `${f.width}px`, height: `${f.height}px` }}>
          <svg width={f.width} height={f.height} aria-hidden="true">
            {flow.edges.map((edge) => (
              <Arrow key={edgeKey(edge)} edge={edge} shape={shape} f={f} />
            ))}
          </svg>
          {flow.nodes.map((node) => (
            <Node key={node.id} node={coloured(node, flow)} shape={shape} f={f} />
          ))}
        </div>
      )}
    </div>
  );
}

/** A trouble colours its node, also one that says of itself that it is merely idle. */
function coloured(node: FlowNode, flow: Flow): FlowNode {
  const mine = flow.troubles.filter((t) => t.node === node.id).map((t) => t.level);
  if (mine.length === 0 || node.status === "error") return node;
  return { ...node, status: mine.includes("error") ? "error" : "warn" };
}

function Arrow({ edge, shape, f }: { edge: FlowEdge; shape: Layout; f: Frame }) {
  const path = useMemo(() => {
    const [from, to] = [shape.boxes.get(edge.from), shape.boxes.get(edge.to)];
    return from && to ? curve(from, shape.routes.get(edgeKey(edge)) ?? [], to, f) : null;
  }, [shape, f, edge.from, edge.to]);
  if (!path) return null;
  const busy = edge.rate > 0;
  const width = edgeWidth(edge.rate);
  return (
    <g class={`arrow ${busy ? "busy" : "quiet"}`}>
      <path class="pipe" d={path.d} style={{ strokeWidth: `${width}px` }} />
      {busy && (
        <path
          class="pulse"
          d={path.d}
          pathLength={100}
          stroke-dasharray={`4 ${PULSE_APART - 4}`}
          data-beats={pulseBeats(edge.rate)}
          style={{ strokeWidth: `${Math.max(1.5, width * 0.55)}px` }}
        />
      )}
      <path class="tip" d={tip(path.d, f)} />
      {f.direction === "right" && f.layer_pitch - f.node_width >= 56 && busy && (
        <text x={path.label.x} y={path.label.y - width / 2 - 4}>
          {rateText(edge.rate)}
        </text>
      )}
    </g>
  );
}

/** A small arrowhead at the end of the curve. */
function tip(d: string, f: Frame): string {
  const [x = 0, y = 0] = (d.match(/[\d.-]+ [\d.-]+$/)?.[0] ?? "0 0").split(" ").map(Number);
  return f.direction === "right" ? `M${x - 2} ${y - 4.5}L${x + 5} ${y}L${x - 2} ${y + 4.5}Z` : `M${x - 4.5} ${y - 2}L${x} ${y + 5}L${x + 4.5} ${y - 2}Z`;
}

function Node({ node, shape, f }: { node: FlowNode; shape: Layout; f: Frame }) {
  const box = shape.boxes.get(node.id);
  if (!box) return null;
  const { x, y } = corner(box, f);
  const open = params.value.get("open") === node.id;
  // Where there is room for one figure, it is the one that is news.
  const narrow = f.node_width < 132;
  const behind = node.lag > 0 ? `${count(node.lag)}${narrow ? "" : `${THIN}behind`}` : "";
  const troubled = node.status === "warn" || node.status === "error";
  const showRate = !narrow || !(troubled && behind);
  return (
    <a
      class={`node ${node.kind} ${node.status} ${open ? "open" : ""} ${narrow ? "narrow" : ""}`}
      href={withParams({ open: open ? null : node.id })}
      style={{ width: `${f.node_width}px`, height: `${f.node_height}px`, transform: `translate(${x}px, ${y}px)` }}
      title={node.detail}
      aria-label={`${KIND_WORD[node.kind]} ${node.label}, ${node.status}, ${rateText(node.rate)}${node.lag ? `, ${plural(node.lag, "record")} behind` : ""}`}
    >
      <span class="name">
        {!narrow && <Icon name={node.kind} size={14} />}
        <b class="mono">{node.label}</b>
        {node.status !== "ok" && !narrow && <HealthMark health={node.status} />}
      </span>
      <span class="figures">
        {showRate && <span class="rate">{rateText(node.rate)}</span>}
        {(!narrow || !showRate) && <span class="lag">{behind}</span>}
        {narrow && node.status !== "ok" && <HealthMark health={node.status} />}
      </span>
      <Spark values={node.spark} width={f.node_width - 2} height={f.spark_height} />
    </a>
  );
}
