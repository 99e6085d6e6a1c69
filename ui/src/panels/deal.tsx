// Sending many dead letters back, or giving them up: counts first, then does it, and shows how far it is.
import { useEffect, useState } from "preact/hooks";
import { ApiError, api } from "../api/client";
import { usePoll } from "../api/poll";
import type { Deal, DealWish } from "../api/types";
import { plural, whole } from "../format/number";
import { isQueue } from "../format/source";
import { wishOf } from "../pages/letters/letters";
import { Refusal, Waiting } from "../parts/ago";
import { Icon } from "../parts/icons";

/** How letters are sent back; what is empty is not said. */
type How = Pick<DealWish, "to" | "rate" | "limit" | "redrives_max">;

export function DealPanel({ source, what }: { source: string; what: "redrive" | "purge" }) {
  const [how, setHow] = useState<How>({});
  const [operation, setOperation] = useState("");
  const [error, setError] = useState<ApiError | null>(null);
  const { state: _, ...filter } = wishOf();
  const wish: DealWish = { ...filter, ...how, all: true };
  const dry = usePoll(operation ? null : `dry ${what} ${source} ${JSON.stringify(wish)}`, () => api.deal(source, what, { ...wish, dry_run: true }), 5000);
  const begin = async (event: Event) => {
    event.preventDefault();
    try {
      setOperation((await api.deal(source, what, wish)).operation);
      setError(null);
    } catch (cause) {
      setError(cause instanceof ApiError ? cause : new ApiError(0, String(cause)));
    }
  };
  if (operation) return <DealProgress operation={operation} />;
  const meant = Object.entries(filter).filter(([, value]) => value);
  const letters = dry.value ? plural(dry.value.done, "letter") : "letters";
  return (
    <form class="stack" onSubmit={begin}>
      <p>
        {what === "redrive" ? "These go back to where they are tried again:" : "These are given up, and nothing brings them back:"} <b>{letters}</b>
        {meant.length > 0 && ` (${meant.map(([name, value]) => `${name}: ${value}`).join(", ")})`}
      </p>
      {dry.value ? <Counts of={dry.value} /> : <Waiting of={dry} />}
      {what === "redrive" && <HowFields source={source} how={how} set={(more) => setHow({ ...how, ...more })} />}
      <div>
        <button type="submit" class={what === "redrive" ? "main" : "danger"} disabled={!dry.value?.done}>
          <Icon name={what === "redrive" ? "send" : "trash"} /> {what === "redrive" ? "Send" : "Give up"} {letters}
        </button>
      </div>
      {error && <Refusal error={error} />}
    </form>
  );
}

function HowFields({ source, how, set }: { source: string; how: How; set: (more: How) => void }) {
  const numbers: readonly [keyof How & ("rate" | "limit" | "redrives_max"), string, string][] = [
    ["rate", "Letters a second", "as fast as it goes"],
    ["limit", "At most", "all of them"],
    ["redrives_max", "Leave what was sent back so often", "10"],
  ];
  return (
    <>
      <label class="field">
        To another {isQueue(source) ? "queue" : "topic"}
        <input value={how.to ?? ""} placeholder="where each came from" spellcheck={false} onInput={(e) => set({ to: e.currentTarget.value || undefined })} />
      </label>
      {numbers.map(([name, word, otherwise]) => (
        <label class="field" key={name}>
          {word}
          <input type="number" min="1" value={how[name] ?? ""} placeholder={otherwise} onInput={(e) => set({ [name]: Number(e.currentTarget.value) || undefined })} />
        </label>
      ))}
    </>
  );
}

const ENDED: Record<string, string> = { done: "Done.", stopped: "Stopped on its way: the rest still waits.", failed: "It failed on its way: the rest still waits." };

/** How far an operation is, until it is over. */
export function DealProgress({ operation, over: told }: { operation: string; over?: () => void }) {
  const [over, setOver] = useState(false);
  const asked = usePoll(`deal ${operation}`, (signal) => api.dealing(operation, signal), over ? 0 : 300);
  const deal = asked.value;
  useEffect(() => {
    if (!deal || deal.running || over) return;
    setOver(true);
    told?.();
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
