// What is wrong, newest first, with what to do. Acknowledging dims an entry in this browser; it changes nothing else.
import type { Trouble } from "../api/types";
import { Ago } from "../parts/ago";
import { HealthMark, Icon } from "../parts/icons";
import { acknowledge, flow, seen, troubleKey, troubles } from "../state/flow";
import { pageOf, withParams } from "../state/route";
import { plural } from "../format/number";

export function Troubles() {
  const all = troubles.value;
  return (
    <section class="sheet troubles" aria-label="Troubles">
      <header>
        <h2>Troubles</h2>
        <span class="push small faint">newest first</span>
      </header>
      {all.length === 0 ? <Calm /> : <ul>{all.map((t) => <Entry key={troubleKey(t)} trouble={t} />)}</ul>}
    </section>
  );
}

function Calm() {
  const nodes = flow.value?.nodes ?? [];
  const of = (kind: string) => nodes.filter((n) => n.kind === kind).length;
  return (
    <div class="body calm">
      <HealthMark health="ok" />
      <p>
        All is well.
        <br />
        <span class="soft">
          {plural(of("topic"), "topic")}, {plural(of("pipeline"), "pipeline")}, {plural(of("table"), "live table")}; nothing asks for you.
        </span>
      </p>
    </div>
  );
}

/** The page that shows the trouble at its place; a pipeline's error at its line. */
function placeOf(trouble: Trouble): string {
  return pageOf(trouble.node) ?? withParams({ open: trouble.node });
}

function Entry({ trouble }: { trouble: Trouble }) {
  const done = seen.value.has(troubleKey(trouble));
  const name = trouble.node.split(":").slice(1).join(":");
  return (
    <li class={done ? "done" : trouble.level}>
      <HealthMark health={trouble.level === "error" ? "error" : "warn"} />
      <div>
        <div class="row small">
          <a class="mono" href={placeOf(trouble)}>
            {name || trouble.node}
            {trouble.line ? `:${trouble.line}${trouble.column ? `:${trouble.column}` : ""}` : ""}
          </a>
          <span class="push faint">
            <Ago at_ms={trouble.at_ms} />
          </span>
        </div>
        <p>{trouble.message}</p>
        {trouble.remedy && <p class="soft remedy">{trouble.remedy}</p>}
      </div>
      <button type="button" class="quiet square" aria-pressed={done} title={done ? "Not seen yet" : "Seen: stop pointing at it"} onClick={() => acknowledge(trouble, !done)}>
        <Icon name="check" />
        <span class="hidden">{done ? "Mark as not seen" : "Mark as seen"}</span>
      </button>
    </li>
  );
}
