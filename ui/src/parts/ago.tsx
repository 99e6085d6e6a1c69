// Small words of the page: relative times, ages, waiting, refusals.
import type { ApiError } from "../api/client";
import type { Polled } from "../api/poll";
import { absolute, ago } from "../format/time";
import { now } from "../state/clock";
import { Icon } from "./icons";

/** "12 s ago", with the absolute time on hover. */
export function Ago({ at_ms }: { at_ms: number }) {
  return (
    <time dateTime={at_ms ? new Date(at_ms).toISOString() : undefined} title={at_ms ? absolute(at_ms) : undefined}>
      {ago(at_ms, now.value)}
    </time>
  );
}

/** A refusal in full: what happened and what to do. */
export function Refusal({ error }: { error: ApiError }) {
  return (
    <div class="refusal" role="alert">
      <Icon name="error" />
      <div>
        <p>{error.message}</p>
        {error.remedy && <p class="soft">{error.remedy}</p>}
        {error.place && <p class="mono small soft">{error.place}</p>}
      </div>
    </div>
  );
}

/** Before the first answer: nothing jumps in, nothing spins; a refusal is said. */
export function Waiting({ of }: { of: Polled<unknown> }) {
  return of.error ? <Refusal error={of.error} /> : <p class="soft waiting">Asking …</p>;
}

/** Says that a shown answer is old because asking fails. */
export function Stale({ of }: { of: Polled<unknown> }) {
  if (!of.error || !of.at_ms) return null;
  return (
    <span class="health warn" title={of.error.message}>
      <Icon name="stale" /> as of <Ago at_ms={of.at_ms} />
    </span>
  );
}
