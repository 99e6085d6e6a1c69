// A job's operators, drawn beside what each does, takes and keeps. On a phone the figures stand under the name.
import type { Pipeline } from "../api/types";
import { type Lanes, type Step, lanes, stepsOf } from "./lanes";
import { THIN, bytes, count, rate, whole } from "../format/number";
import { duration } from "../format/time";
import { pageOf } from "../state/route";

const LANE = 14;
const LANES_MAX = 8;
const BUSY = 0.8;

export function Operators({ job }: { job: Pipeline }) {
  const steps = stepsOf(job);
  const placed = lanes(steps);
  return (
    <section class="sheet">
      <header>
        <h2>Operators</h2>
        <span class="push small faint">rates and busy of the last seconds</span>
      </header>
      {steps.length === 0 ? (
        <p class="soft body">None runs.</p>
      ) : (
        <table class="steps" aria-label="Operators">
          <thead>
            <tr>
              <th>Operator</th>
              <th class="right">In</th>
              <th class="right">Out</th>
              <th class="right" title="The part of the time it was at work; a scan's with decoding, a sink's is encoding">Busy</th>
              <th class="right" title="Rows or cells that it keeps">State</th>
              <th class="right" title="What it keeps in memory, estimated">Memory</th>
              <th class="right" title="Rows that came after their window had closed">Late</th>
              <th class="right" title="How far its event time is behind the worker's clock">Behind</th>
            </tr>
          </thead>
          <tbody>
            {steps.map((step, row) => (
              <Line key={row} step={step} row={row} placed={placed} job={job} />
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

const percent = (part: number): string => `${part >= 0.0995 ? (part * 100).toFixed(0) : (part * 100).toFixed(1)}${THIN}%`;

function behind(step: Step, job: Pipeline): string {
  return step.watermark_ms === null ? "–" : duration(Math.max(0, job.at_ms - step.watermark_ms));
}

/** What a phone shows instead of columns: only what there is to say. */
function brief(step: Step, job: Pipeline): string {
  const through = step.rate_out === null ? rate(step.rate_in) : `${rate(step.rate_in)} → ${rate(step.rate_out)}`;
  const kept = step.state_rows ? `${count(step.state_rows)} kept, ${bytes(step.state_bytes)}` : "";
  const late = step.late_rows ? `${count(step.late_rows)} late` : "";
  const time = step.kind === "scan" && step.watermark_ms !== null ? `${behind(step, job)} behind` : "";
  return [through, `${percent(step.busy)} busy`, kept, late, time].filter(Boolean).join(" · ");
}

function Line({ step, row, placed, job }: { step: Step; row: number; placed: Lanes; job: Pipeline }) {
  const indent = Math.min(placed.count, LANES_MAX) * LANE + 12;
  return (
    <tr class={step.kind}>
      <td class="step" style={{ paddingLeft: `${indent + 4}px` }}>
        <Threads row={row} placed={placed} width={indent} kind={step.kind} />
        <div class="name">
          <Name step={step} job={job} />
        </div>
        <div class="detail small soft" title={step.detail}>
          {step.detail}
        </div>
        <div class="brief small soft">{brief(step, job)}</div>
      </td>
      <td class="right">{rate(step.rate_in)}</td>
      <td class="right">{step.rate_out === null ? "" : rate(step.rate_out)}</td>
      <td class={`right ${step.busy >= BUSY ? "much" : ""}`}>
        <span class="meter" aria-hidden="true">
          <i style={{ width: `${Math.min(100, step.busy * 100)}%` }} />
        </span>
        {percent(step.busy)}
      </td>
      <td class="right" title={whole(step.state_rows)}>
        {step.state_rows ? count(step.state_rows) : "–"}
      </td>
      <td class="right">{step.state_bytes ? bytes(step.state_bytes) : "–"}</td>
      <td class={`right ${step.late_rows ? "late" : ""}`} title={whole(step.late_rows)}>
        {step.late_rows ? count(step.late_rows) : "–"}
      </td>
      <td class="right">{behind(step, job)}</td>
    </tr>
  );
}

/** A table's page where it has one, else its topic's. */
function Name({ step, job }: { step: Step; job: Pipeline }) {
  const ends = step.kind === "sink" ? job.outputs : job.inputs;
  const end = step.table ? ends.find((each) => each.table === step.table) : undefined;
  if (!end?.topic) return <>{step.name}</>;
  const live = step.kind === "sink" && end.connector === "upsert-kafka";
  return <a href={pageOf(live ? `table:${end.table}` : `topic:${end.topic}`) ?? "/"}>{step.name}</a>;
}

/** The threads that pass a row: heights are parts of a hundred, so that a row may be as high as its words. */
function Threads({ row, placed, width, kind }: { row: number; placed: Lanes; width: number; kind: Step["kind"] }) {
  const x = (lane: number) => (Math.min(lane, LANES_MAX - 1) + 1) * LANE;
  const lines = new Set<string>();
  for (const { from, to, lane, into } of placed.threads) {
    if (row < from || row > to) continue;
    if (row === from) lines.add(`M${x(lane)} 50V100`);
    else if (row < to) lines.add(`M${x(lane)} 0V100`);
    else lines.add(`M${x(lane)} 0C${x(lane)} 34 ${x(into)} 16 ${x(into)} 50`);
  }
  return (
    <span class="threads" style={{ width: `${width}px` }} aria-hidden="true">
      <svg width={width} viewBox={`0 0 ${width} 100`} preserveAspectRatio="none">
        <path d={[...lines].join("")} vector-effect="non-scaling-stroke" />
      </svg>
      <i class={kind} style={{ left: `${x(placed.of[row] ?? 0)}px` }} />
    </span>
  );
}
