// Sending many dead letters back, or giving them up: counts first, then does it, and shows how far it is.
import { useEffect, useState } from "preact/hooks";
import { ApiError, api } from "../api/client";
import { usePoll } from "../api/poll";
import type { Deal, DealWish } from "../api/types";
import { plural, whole } from "../format/number";
import { wishOf } from "../pages/letters/letters";
import { Refusal, Waiting } from "../parts/ago";
import { Icon } from "../parts/icons";

export function DealPanel({ topic, what }: { topic: string; what: "redrive" | "purge" }) {
  const [rate, setRate] = useState("");
  const [operation, setOperation] = useState("");
  const [error, setError] = useState<ApiError | null>(null);
  const { state: _, ...filter } = wishOf();
  const wish: DealWish = { ...filter, all: true };
  const dry = usePoll(operation ? null : `dry ${what} ${topic} ${JSON.stringify(filter)}`, () => api.deal(topic, what, { ...wish, dry_run: true }), 5000);
  const begin = async (event: Event) => {
    event.preventDefault();
    try {
      const begun = await api.deal(topic, what, { ...wish, ...(what === "redrive" && Number(rate) > 0 ? { rate: Number(rate) } : {}) });
      setOperation(begun.operation);
      setError(null);
    } catch (cause) {
      setError(cause instanceof ApiError ? cause : new ApiError(0, String(cause)));
    }
  };
  if (operation) return <DealProgress operation={operation} />;
  if (!dry.value) return <Waiting of={dry} />;
  const meant = Object.entries(filter).filter(([, value]) => value);
  return (
    <form class="stack" onSubmit={begin}>
      <p>
        {what === "redrive" ? "These go back to where they are tried again:" : "These are given up, and nothing brings them back:"} <b>{plural(dry.value.done, "letter")}</b>
        {meant.length > 0 && ` (${meant.map(([name, value]) => `${name}: ${value}`).join(", ")})`}
      </p>
      <Counts of={dry.value} />
      {what === "redrive" && (
        <label class="field">
          Letters a second (empty: as fast as it goes)
          <input type="number" min="1" value={rate} onInput={(e) => setRate(e.currentTarget.value)} />
        </label>
      )}
      <div>
        <button type="submit" class={what === "redrive" ? "main" : "danger"} disabled={dry.value.done === 0}>
          <Icon name={what === "redrive" ? "send" : "trash"} /> {what === "redrive" ? "Send" : "Give up"} {plural(dry.value.done, "letter")}
        </button>
      </div>
      {error && <Refusal error={error} />}
    </form>
  );
}

const ENDED: Record<string, string> = { done: "Done.", stopped: "Stopped on its way: the rest still waits.", failed: "It failed on its way: the rest still waits." };

/** How far an operation is, until it is over. */
export function DealProgress({ operation }: { operation: string }) {
  const [over, setOver] = useState(false);
  const asked = usePoll(`deal ${operation}`, (signal) => api.dealing(operation, signal), over ? 0 : 300);
  const deal = asked.value;
  useEffect(() => {
    if (deal && !deal.running) setOver(true);
  }, [deal]);
  if (!deal) return <Waiting of={asked} />;
  return (
    <div class="stack" role="status">
      <progress max={Math.max(1, deal.total)} value={deal.running ? deal.read : deal.total || 1} aria-label="How far it is" />
      <p>
        {whole(deal.done)} {deal.what === "redrive" ? "sent back" : "given up"}. {deal.running ? "" : (ENDED[deal.state] ?? "")}
      </p>
      <Counts of={deal} />
      {deal.error && <p class="warn-text">{deal.error}</p>}
      {deal.running && (
        <div>
          <button type="button" onClick={() => void api.stopDeal(operation).then(asked.reload)}>
            <Icon name="close" /> Stop
          </button>
        </div>
      )}
    </div>
  );
}

function Counts({ of }: { of: Deal }) {
  const lines = [...Object.entries(of.targets).map(([topic, n]) => `${whole(n)} to ${topic}`), ...Object.entries(of.skipped).map(([why, n]) => `${whole(n)} stay: ${why}`)];
  return lines.length > 0 ? (
    <ul class="plain">
      {lines.map((line) => (
        <li key={line}>{line}</li>
      ))}
    </ul>
  ) : null;
}
