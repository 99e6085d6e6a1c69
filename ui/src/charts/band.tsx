// A sensor over time with its normal band: alerts flagged, the loaded seconds shaded, the other cores faint behind.
import type uPlot from "uplot";
import { measure } from "../format/number";
import { demo } from "../state/flow";
import { colour } from "../state/theme";
import { spans } from "./history";
import { Plot, type PlotLine } from "./plot";
import { type Telemetry, WINDOW_MS } from "./telemetry";

const CORES_MAX = 64;

export function BandChart({ telemetry, sensor, height }: { telemetry: Telemetry; sensor: string; height: number }) {
  const version = telemetry.version.value;
  const unit = telemetry.units.get(sensor) ?? "";
  const cores = sensor.startsWith("cpu") ? telemetry.sensors().filter((s) => s.startsWith("cpu.") && s !== sensor).slice(0, CORES_MAX) : [];
  const names = [...cores, `low ${sensor}`, `high ${sensor}`, sensor];
  const lines: PlotLine[] = [
    ...cores.map((name) => ({ name, colour: "ink-faint", width: 1, faint: true })),
    { name: "lowest normal", colour: "flow", width: 1 },
    { name: "highest normal", colour: "flow", width: 1 },
    { name: sensor, colour: "series-1", width: 2 },
  ];
  const over = (plot: uPlot) => {
    shadeLoad(plot);
    flagAlerts(plot, telemetry, sensor);
    markNewest(plot, telemetry, sensor, unit);
  };
  return (
    <Plot
      label={`${sensor} over the last two minutes with its normal band`}
      lines={lines}
      band={{ upper: cores.length + 1, lower: cores.length, colour: "flow" }}
      data={() => telemetry.history.aligned(names)}
      version={version}
      window_ms={WINDOW_MS}
      height={height}
      {...(unit === "%" ? { range: [0, 100] as [number, number] } : {})}
      value={(v) => (unit === "%" && Number.isInteger(v) ? measure(v, unit).replace(".0", "") : measure(v, unit))}
      over={over}
    />
  );
}

function shadeLoad(plot: uPlot): void {
  const until_ms = demo.peek()?.load_until_ms ?? 0;
  if (!until_ms) return;
  const { left, top, width, height } = plot.bbox;
  const at = (ms: number) => Math.min(left + width, Math.max(left, plot.valToPos(ms / 1000, "x", true)));
  const [from, to] = [at(until_ms - 10_000), at(until_ms)];
  plot.ctx.fillStyle = colour("warn");
  plot.ctx.globalAlpha = 0.12;
  plot.ctx.fillRect(from, top, to - from, height);
  plot.ctx.globalAlpha = 1;
}

function flagAlerts(plot: uPlot, telemetry: Telemetry, sensor: string): void {
  const { left, top, width, height } = plot.bbox;
  const { ctx } = plot;
  const scale = devicePixelRatio;
  const mine = telemetry.alerts().filter((a) => a.sensor === sensor || (sensor === "cpu" && a.sensor.startsWith("cpu.")));
  ctx.fillStyle = ctx.strokeStyle = colour("bad");
  ctx.lineWidth = scale;
  for (const [start, end] of spans(mine.map((a) => a.at_ms))) {
    const [from, to] = [start - 1000, end].map((ms) => Math.max(left, plot.valToPos(ms / 1000, "x", true))) as [number, number];
    if (to <= left || from > left + width) continue;
    ctx.globalAlpha = 0.1;
    ctx.fillRect(from, top, Math.min(to, left + width) - from, height);
    ctx.globalAlpha = 1;
    ctx.beginPath();
    ctx.moveTo(from, top + height);
    ctx.lineTo(from, top);
    ctx.stroke();
    ctx.beginPath();
    ctx.moveTo(from, top);
    ctx.lineTo(from + 10 * scale, top + 4.5 * scale);
    ctx.lineTo(from, top + 9 * scale);
    ctx.fill();
  }
}

function markNewest(plot: uPlot, telemetry: Telemetry, sensor: string, unit: string): void {
  const newest = telemetry.history.last(sensor);
  if (!newest) return;
  const [x, y] = [plot.valToPos(newest.at_ms / 1000, "x", true), plot.valToPos(newest.value, "y", true)];
  const { ctx } = plot;
  const scale = devicePixelRatio;
  if (x < plot.bbox.left) return;
  ctx.fillStyle = colour("series-1");
  ctx.beginPath();
  ctx.arc(x, y, 4 * scale, 0, 2 * Math.PI);
  ctx.fill();
  ctx.font = `600 ${12 * scale}px ${getComputedStyle(document.body).fontFamily}`;
  ctx.textAlign = "right";
  ctx.fillStyle = colour("ink");
  ctx.fillText(measure(newest.value, unit), x - 8 * scale, Math.max(plot.bbox.top + 20 * scale, y - 8 * scale));
}
