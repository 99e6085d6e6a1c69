// The home page: the flow as one picture, the troubles beside it. An empty project learns how to start.
import { Graph } from "../flow/graph";
import { Troubles } from "../flow/troubles";
import { Snippet } from "../parts/copy";
import { ProduceTabs } from "../parts/snippets";
import { connection, flow } from "../state/flow";

export function HomePage() {
  const shown = flow.value;
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
