// All queues.
import { api } from "../../api/client";
import { usePoll } from "../../api/poll";
import type { QueueRow } from "../../api/types";
import { Spark } from "../../flow/spark";
import { bytes, count, rate } from "../../format/number";
import type { GridColumn } from "../../parts/grid";
import { HealthMark, Icon } from "../../parts/icons";
import { PublishTabs } from "../../parts/snippets";
import { queueHref, withParams } from "../../state/route";
import { Listing, nameColumn } from "../listing";
import { useVhosts } from "../vhosts";

/** Messages wait, and nobody is there to take them. */
export const isLeft = (q: QueueRow): boolean => q.messages_ready > 0 && q.consumers === 0 && q.type !== "stream";

const NAME = nameColumn<QueueRow>("Queue", (q) => q.name, queueHref);
const COLUMNS: readonly GridColumn<QueueRow>[] = [
  { id: "type", title: "Type", width: 90, wide: true, sort: (q) => q.type, cell: (q) => q.type },
  { id: "minute", title: "In, last minute", width: 140, wide: true, cell: (q) => <Spark values={q.message_stats.publish_details.spark} width={116} height={18} /> },
  { id: "in", title: "In", numeric: true, width: 90, wide: true, sort: (q) => q.message_stats.publish_details.rate, cell: (q) => rate(q.message_stats.publish_details.rate) },
  { id: "out", title: "Out", numeric: true, width: 90, wide: true, sort: (q) => q.message_stats.deliver_get_details.rate, cell: (q) => rate(q.message_stats.deliver_get_details.rate) },
  {
    id: "ready",
    title: "Ready",
    numeric: true,
    width: 110,
    sort: (q) => q.messages_ready,
    cell: (q) => (
      <>
        {isLeft(q) && <HealthMark health="warn" />} {count(q.messages_ready)}
      </>
    ),
  },
  { id: "unacked", title: "Unacked", numeric: true, width: 100, sort: (q) => q.messages_unacknowledged, cell: (q) => count(q.messages_unacknowledged) },
  { id: "consumers", title: "Consumers", numeric: true, width: 110, wide: true, sort: (q) => q.consumers, cell: (q) => count(q.consumers) },
  { id: "bytes", title: "Size", numeric: true, width: 100, wide: true, sort: (q) => q.message_bytes, cell: (q) => bytes(q.message_bytes) },
];

export function QueuesPage() {
  const asked = usePoll("queues", api.queues, 2000);
  const { column, choice, ...rows } = useVhosts(asked.value);
  return (
    <Listing
      title="Queues"
      one="queue"
      many="queues"
      asked={asked}
      {...rows}
      columns={[NAME, ...column, ...COLUMNS]}
      keyOf={(q) => `${q.vhost} ${q.name}`}
      textOf={(q) => q.name}
      href={queueHref}
      first="name"
      actions={
        <a class="button" href={withParams({ open: "new-queue" })}>
          <Icon name="plus" /> Create a queue
        </a>
      }
      tools={choice}
      teach={<Teach />}
    />
  );
}

function Teach() {
  return (
    <div class="teach">
      <h2>No queue yet</h2>
      <p>A work queue hands each message to one consumer, once. Any RabbitMQ client makes one; so does this:</p>
      <PublishTabs queue="emails" />
    </div>
  );
}
