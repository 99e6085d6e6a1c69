// uPlot in the page: colours from the tokens, width from the place, time that glides. Knows no data of its own.
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { clock } from "../format/time";
import { calmMotion } from "../state/clock";
import { skew_ms } from "../state/flow";
import { colour, paint } from "../state/theme";
import { onVisible, visible } from "../state/visible";
import type { Aligned } from "./history";

export interface PlotLine {
  name: string;
  /** A token's name. */
  colour: string;
  width?: number;
  faint?: boolean;
}
export interface PlotProps {
  label: string;
  lines: readonly PlotLine[];
  /** Fills between two lines, by their place in `lines`. */
  band?: { upper: number; lower: number; colour: string };
  data: () => Aligned;
  /** Grows when the data did. */
  version: number;
  window_ms: number;
  height: number;
  /** A fixed range, or from zero to what is needed. */
  range?: [number, number];
  value: (v: number) => string;
  /** Draws over the chart. */
  over?: (plot: uPlot) => void;
}

/** Points that no line reaches: a value with nothing on either side would not be seen. */
function alone(plot: uPlot, series: number): number[] {
  const values = plot.data[series] ?? [];
  const there = [...values.keys()].filter((i) => values[i] !== undefined);
  return there.filter((i, at) => {
    const [before, after] = [there[at - 1], there[at + 1]];
    const joined = (j: number | undefined) => j !== undefined && values[j] !== null;
    return values[i] !== null && !joined(before) && !joined(after);
  });
}

const axis = (size: number): uPlot.Axis => ({
  stroke: colour("ink-soft"),
  font: `11px ${getComputedStyle(document.body).fontFamily}`,
  grid: { stroke: colour("line"), width: 1 },
  ticks: { show: false },
  size,
  gap: 6,
});

function optionsFor(props: { current: PlotProps }, width: number): uPlot.Options {
  const { lines, band, height } = props.current;
  const end_s = () => (Date.now() + skew_ms.peek()) / 1000;
  const yRange = (_: uPlot, low: number, high: number): [number, number] => {
    const { range } = props.current;
    if (range) return range;
    const bottom = Math.min(0, low ?? 0);
    return [bottom, (high ?? 1) > bottom ? (high ?? 1) * 1.08 : bottom + 1];
  };
  return {
    width,
    height,
    padding: [8, 12, 0, 0],
    cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false } },
    legend: { show: false },
    scales: {
      x: { time: true, range: () => [end_s() - props.current.window_ms / 1000, end_s()] },
      y: { range: yRange },
    },
    axes: [
      { ...axis(26), space: 70, values: (_, ticks) => ticks.map((t) => clock(t * 1000)) },
      { ...axis(52), space: 36, values: (_, ticks) => ticks.map((v) => props.current.value(v)) },
    ],
    series: [
      {},
      ...lines.map((line): uPlot.Series => ({
        label: line.name,
        stroke: colour(line.colour),
        width: line.width ?? 1.5,
        alpha: line.faint ? 0.4 : 1,
        points: { show: true, size: 5, width: 0, fill: colour(line.colour), filter: alone },
      })),
    ],
    ...(band ? { bands: [{ series: [band.upper + 1, band.lower + 1], fill: fade(colour(band.colour)) }] } : {}),
    hooks: { draw: [(plot) => over(plot, props.current)], setCursor: [(plot) => tell(plot, props.current)] },
  };
}

/** uPlot remembers the pen it set: what is drawn over it must leave the pen as it was. */
function over(plot: uPlot, props: PlotProps): void {
  plot.ctx.save();
  props.over?.(plot);
  plot.ctx.restore();
}

const fade = (rgb: string) => rgb.replace(/^rgb\((.*)\)$/, "rgba($1, 0.16)");

/** The values under the pointer, in one quiet box. */
function tell(plot: uPlot, { lines, value }: PlotProps): void {
  const box = plot.root.parentElement?.querySelector<HTMLElement>(".reading");
  if (!box) return;
  const at = plot.cursor.idx;
  const left = plot.cursor.left ?? -1;
  const time = at === null || at === undefined ? undefined : plot.data[0][at];
  box.hidden = left < 0 || time === undefined;
  if (box.hidden || time === undefined || at === null || at === undefined) return;
  const said = lines.flatMap((line, i) => {
    const v = plot.data[i + 1]?.[at];
    return typeof v === "number" && !line.faint ? [`${line.name} ${value(v)}`] : [];
  });
  box.textContent = [clock(time * 1000), ...said].join("   ");
  box.style.transform = `translateX(${Math.min(Math.max(0, left - 40), Math.max(0, plot.over.clientWidth - 240))}px)`;
}

export function Plot(props: PlotProps) {
  const place = useRef<HTMLDivElement>(null);
  const latest = useRef(props);
  latest.current = props;
  const plot = useRef<uPlot | null>(null);
  const shape = JSON.stringify([props.lines, props.band, props.height, paint.value]);

  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const made = new uPlot(optionsFor(latest, element.clientWidth), latest.current.data() as uPlot.AlignedData, element);
    plot.current = made;
    const watch = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: latest.current.height }));
    watch.observe(element);
    const stop = glide(made, latest);
    return () => {
      stop();
      watch.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [shape]);

  useEffect(() => {
    plot.current?.setData(latest.current.data() as uPlot.AlignedData);
  }, [props.version, shape]);

  return (
    <div class="chart" ref={place} role="img" aria-label={props.label} style={{ height: `${props.height}px` }}>
      <div class="reading" hidden />
    </div>
  );
}

/** Moves time on by one pixel at a time, no oftener than a pixel is worth; not at all where motion is not wanted. */
function glide(plot: uPlot, props: { current: PlotProps }): () => void {
  let timer = 0;
  const step = () => {
    const pixels = Math.max(200, plot.over.clientWidth) * devicePixelRatio;
    const pixel_ms = Math.max(66, props.current.window_ms / pixels);
    timer = window.setTimeout(() => {
      requestAnimationFrame(() => plot.setData(plot.data, true));
      step();
    }, calmMotion.matches ? 1000 : pixel_ms);
  };
  const off = onVisible((shown) => (shown ? step() : clearTimeout(timer)));
  if (visible()) step();
  return () => {
    off();
    clearTimeout(timer);
  };
}
