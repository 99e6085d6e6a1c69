// All topics and queues of dead letters, and how many letters wait in each.
import { api } from "../../api/client";
import { usePoll } from "../../api/poll";
import type { LetterPlace } from "../../api/types";
import { count } from "../../format/number";
import { plainName } from "../../format/source";
import { Ago } from "../../parts/ago";
import { Snippet } from "../../parts/copy";
import type { GridColumn } from "../../parts/grid";
import { HealthMark } from "../../parts/icons";
import { Listing, nameColumn } from "../listing";
import { useVhosts } from "../vhosts";

const href = (p: LetterPlace) => `/dlq/${encodeURIComponent(p.name)}`;
/** A queue's letters are gone once they are dealt with. */
const kept = (p: LetterPlace, n: number) => (p.kind === "queue" ? "–" : count(n));
const NAME = nameColumn<LetterPlace>("Dead letters", (p) => plainName(p.name), href);
const COLUMNS: readonly GridColumn<LetterPlace>[] = [
  { id: "kind", title: "Kind", width: 70, sort: (p) => p.kind, cell: (p) => <span class="soft">{p.kind}</span> },
  {
    id: "waiting",
    title: "Waiting",
    numeric: true,
    width: 100,
    sort: (p) => p.states.waiting,
    cell: (p) => (
      <>
        {p.states.waiting > 0 && <HealthMark health="warn" />} {p.complete ? "" : "≥ "}
        {count(p.states.waiting)}
      </>
    ),
  },
  { id: "redriven", title: "Sent back", numeric: true, width: 110, wide: true, sort: (p) => p.states.redriven, cell: (p) => kept(p, p.states.redriven) },
  { id: "purged", title: "Given up", numeric: true, width: 110, wide: true, sort: (p) => p.states.purged, cell: (p) => kept(p, p.states.purged) },
  { id: "last", title: "Last", numeric: true, width: 130, wide: true, sort: (p) => p.last_ms, cell: (p) => (p.last_ms ? <Ago at_ms={p.last_ms} /> : "–") },
];

export function PlacesPage() {
  const asked = usePoll("dlq", api.dlq, 5000);
  const { column, choice, ...rows } = useVhosts(asked.value);
  return (
    <Listing
      title="Dead letters"
      one="place of dead letters"
      many="dead letters"
      asked={asked}
      {...rows}
      columns={[NAME, ...column, ...COLUMNS]}
      keyOf={(p) => p.name}
      textOf={(p) => plainName(p.name)}
      href={href}
      first="-waiting"
      tools={choice}
      teach={<Teach />}
    />
  );
}

function Teach() {
  return (
    <div class="teach">
      <h2>No dead letters yet</h2>
      <p>A record that a consumer gives up, or a pipeline cannot read, goes to a topic named after its own, with .dlq behind it:</p>
      <Snippet text={'consume("orders", group="billing", retry=Retry("5s", "1m")).run(charge)'} />
      <p>A message that is rejected, expires or has no room goes to its queue's dead-letter exchange, and on to the queue that is bound there:</p>
      <Snippet text={'channel.queue_declare("orders", durable=True, arguments={"x-dead-letter-exchange": "dlx", "x-dead-letter-routing-key": "dlq"})'} />
    </div>
  );
}
