// The home page: the flow as one picture, the troubles beside it. An empty project learns how to start.
import { Graph } from "../flow/graph";
import { Troubles } from "../flow/troubles";
import { Snippet } from "../parts/copy";
import { ProduceTabs } from "../parts/snippets";
import type { ApiError } from "../api/client";
import { Refusal } from "../parts/ago";
import { connection, flow, refused } from "../state/flow";

export function HomePage() {
  const shown = flow.value;
  if (!shown && refused.value) return <Hidden error={refused.value} />;
  if (!shown) {
    const lost = connection.value.kind === "lost";
    return <p class="soft waiting">{lost ? "penstock does not answer. Start it with: penstock up" : "Asking …"}</p>;
  }
  if (shown.nodes.length === 0) return <Start />;
  return (
    <div class="home">
      <section class="sheet picture" aria-label="The flow">
        <h1 class="hidden">The flow</h1>
        <Graph flow={shown} />
      </section>
      <Troubles />
    </div>
  );
}

/** Whoever may not see the whole is told so, how to change it, and where to go meanwhile. */
function Hidden({ error }: { error: ApiError }) {
  return (
    <section class="sheet teach">
      <h1>The flow is not for everyone</h1>
      <p>It shows all topics, pipelines and tables at once, so it takes the right to describe the cluster.</p>
      <Refusal error={error} />
      <p>
        What you may see is on its own page: <a href="/topics">topics</a>, <a href="/pipelines">pipelines</a>, <a href="/tables">tables</a>,{" "}
        <a href="/groups">groups</a>.
      </p>
    </section>
  );
}

function Start() {
  return (
    <section class="sheet teach">
      <h1>Nothing flows yet</h1>
      <p>Send an event, and its topic appears here:</p>
      <ProduceTabs topic="events" />
      <p>Or start from the demo as a project of your own: a source, a pipeline in SQL, live tables.</p>
      <Snippet text={"penstock init my-app\npenstock up my-app"} />
      <p class="soft">Every file saved in pipelines/ runs within two seconds, and joins this picture.</p>
    </section>
  );
}
