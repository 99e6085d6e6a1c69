// What several pages say of a pipeline: its state, its lag, how far its event time is behind.
import type { Health, Pipeline } from "../api/types";
import { now } from "../state/clock";
import { skew_ms } from "../state/flow";
import { HealthMark } from "./icons";

const QUIET_MS = 5000;
const HEALTH: Record<Pipeline["state"], Health> = {
  starting: "idle", running: "ok", failed: "error", stopped: "idle", finished: "ok",
};

/** A worker that says nothing for long is not known to run. */
export function StateMark({ job }: { job: Pipeline }) {
  const silent = job.state === "running" && now.value + skew_ms.value - job.at_ms > QUIET_MS;
  return silent ? <HealthMark health="stale" word="not heard of" /> : <HealthMark health={HEALTH[job.state]} word={job.state} />;
}

export const lagOf = (job: Pipeline): number => job.inputs.reduce((sum, input) => sum + input.lag, 0);
export const deadLettersOf = (job: Pipeline): number => job.inputs.reduce((sum, input) => sum + input.dead_letters, 0);

/** How far the slowest input's event time is behind the worker's clock; null before there is one. */
export function watermarkDelay_ms(job: Pipeline): number | null {
  const marks = job.inputs.map((input) => input.watermark_ms).filter((at_ms): at_ms is number => at_ms !== null && at_ms > 0);
  return marks.length ? Math.max(0, job.at_ms - Math.min(...marks)) : null;
}
