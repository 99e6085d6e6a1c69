// A job's operators as a list that is read like a history of commits: each row a step, threads beside it lead from who gives
// rows to who takes them. Pure: knows reports, knows no drawing.
import type { Pipeline } from "../api/types";

export interface Step {
  kind: "scan" | "operator" | "sink";
  name: string;
  detail: string;
  /** The rows of the list that this one takes from; all stand above it. */
  inputs: readonly number[];
  rate_in: number;
  rate_out: number | null;
  /** From 0 to 1. */
  busy: number;
  state_rows: number;
  state_bytes: number;
  late_rows: number;
  watermark_ms: number | null;
  /** The table that a scan reads or a sink writes. */
  table: string;
}

/** Operators in their order, each sink behind the operator that feeds it. What an older worker leaves out is nothing. */
export function stepsOf(job: Pick<Pipeline, "inputs" | "outputs" | "operators">): Step[] {
  const steps: Step[] = [];
  const rowOf: number[] = [];
  job.operators.forEach((one, number) => {
    const source = job.inputs[one.source ?? -1];
    rowOf.push(steps.length);
    steps.push({
      kind: source ? "scan" : "operator",
      name: source ? source.table : one.name,
      detail: source ? `scan, ${source.connector}` : (one.detail ?? ""),
      inputs: (one.inputs ?? []).filter((below) => below < number).map((below) => rowOf[below] ?? 0),
      rate_in: one.rate_in ?? 0,
      rate_out: one.rate_out ?? 0,
      busy: one.busy ?? 0,
      state_rows: one.state_rows,
      state_bytes: one.state_bytes ?? 0,
      late_rows: one.late_rows ?? 0,
      watermark_ms: one.watermark_ms ?? null,
      table: source ? source.table : "",
    });
    for (const out of job.outputs) {
      if (out.operator !== number) continue;
      steps.push({
        kind: "sink", name: out.table, detail: `sink, ${out.connector}`, inputs: [rowOf[number] ?? 0], rate_in: out.rate ?? 0,
        rate_out: null, busy: out.busy ?? 0, state_rows: 0, state_bytes: 0, late_rows: 0, watermark_ms: null, table: out.table,
      });
    }
  });
  return steps;
}

/** A thread runs down its `lane` from row `from`, and turns into the lane `into` at row `to`. */
export interface Thread {
  from: number;
  to: number;
  lane: number;
  into: number;
}
export interface Lanes {
  of: number[];
  threads: Thread[];
  count: number;
}

/** Each step's lane. A step goes on in the lane of the first input that ends at it; no thread runs through another's step. */
export function lanes(steps: readonly { inputs: readonly number[] }[]): Lanes {
  const last = steps.map((_, row) => row);
  steps.forEach((step, row) => {
    for (const input of step.inputs) last[input] = Math.max(last[input] ?? 0, row);
  });
  const of: number[] = [];
  const taken_until: number[] = [];
  const threads: Thread[] = [];
  steps.forEach((step, row) => {
    const ending = step.inputs.filter((input) => last[input] === row).map((input) => of[input] ?? 0);
    let lane = ending.length ? Math.min(...ending) : taken_until.findIndex((until) => until < row);
    if (lane < 0) lane = taken_until.length;
    of.push(lane);
    taken_until[lane] = last[row] ?? row;
    for (const input of step.inputs) threads.push({ from: input, to: row, lane: of[input] ?? 0, into: lane });
  });
  return { of, threads, count: taken_until.length };
}
