// Which page a path names. One line a page; the last match is none.
import type { JSX } from "preact";
import { demo, flow } from "../state/flow";
import { DemoPage } from "./demo";
import { GroupPage } from "./groups/group";
import { GroupsPage } from "./groups/groups";
import { HomePage } from "./home";
import { LettersPage } from "./letters/letters";
import { PlacesPage } from "./letters/places";
import { PipelinePage } from "./pipelines/pipeline";
import { PipelinesPage } from "./pipelines/pipelines";
import { QueuePage } from "./queues/queue";
import { QueuesPage } from "./queues/queues";
import { TablePage } from "./tables/table";
import { TablesPage } from "./tables/tables";
import { TopicPage } from "./topics/topic";
import { TopicsPage } from "./topics/topics";

type View = { title: string; view: JSX.Element };
type Make = (...names: string[]) => View;
const one = (title: string, make: (name: string) => JSX.Element): Make => (name = "") => ({ title: name || title, view: make(name) });

const PAGES: readonly [RegExp, Make][] = [
  [/^\/$/, () => ({ title: "", view: <First /> })],
  [/^\/flow$/, one("Flow", () => <HomePage />)],
  [/^\/topics$/, one("Topics", () => <TopicsPage />)],
  [/^\/topics\/([^/]+)$/, one("Topic", (name) => <TopicPage name={name} />)],
  [/^\/pipelines$/, one("Pipelines", () => <PipelinesPage />)],
  [/^\/pipelines\/([^/]+)$/, one("Pipeline", (name) => <PipelinePage name={name} />)],
  [/^\/tables$/, one("Tables", () => <TablesPage />)],
  [/^\/tables\/([^/]+)$/, one("Table", (name) => <TablePage name={name} />)],
  [/^\/groups$/, one("Groups", () => <GroupsPage />)],
  [/^\/groups\/([^/]+)$/, one("Group", (name) => <GroupPage name={name} />)],
  [/^\/queues$/, one("Queues", () => <QueuesPage />)],
  [/^\/queues\/([^/]+)\/([^/]+)$/, (vhost = "", name = "") => ({ title: name, view: <QueuePage vhost={vhost} name={name} /> })],
  [/^\/dlq$/, one("Dead letters", () => <PlacesPage />)],
  [/^\/dlq\/([^/]+)$/, one("Dead letters", (name) => <LettersPage name={name} />)],
];

/** The demo's screen while the demo runs, the flow otherwise; nothing until we know, so that nothing is swapped before one's eyes. */
function First() {
  if (demo.value === null && flow.value === null) return <p class="soft waiting">Asking …</p>;
  return demo.value?.active ? <DemoPage /> : <HomePage />;
}

export function pageAt(path: string): View {
  for (const [pattern, view] of PAGES) {
    const match = pattern.exec(path);
    if (match) return view(...match.slice(1).map(decodeURIComponent));
  }
  return { title: "Not here", view: <Nowhere path={path} /> };
}

function Nowhere({ path }: { path: string }) {
  return (
    <section class="sheet teach">
      <h1>There is nothing at {path}</h1>
      <p class="soft">
        Look at <a href="/flow">the flow</a>, or press <kbd>/</kbd> and type a name.
      </p>
    </section>
  );
}
