// All consumer groups.
import { api } from "../../api/client";
import { usePoll } from "../../api/poll";
import type { Group } from "../../api/types";
import { count } from "../../format/number";
import { Snippet } from "../../parts/copy";
import type { GridColumn } from "../../parts/grid";
import { HealthMark } from "../../parts/icons";
import { addresses } from "../../parts/snippets";
import { Listing, nameColumn } from "../listing";

export const groupLag = (g: Group): number => g.offsets.reduce((sum, o) => sum + Math.max(0, o.lag), 0);
export const GroupState = ({ group }: { group: Group }) => (
  <HealthMark health={group.members.length ? (/stable/i.test(group.state) ? "ok" : "warn") : "idle"} word={group.state.toLowerCase()} />
);

const hrefOf = (g: Group) => `/groups/${encodeURIComponent(g.group)}`;
const COLUMNS: readonly GridColumn<Group>[] = [
  nameColumn("Consumer group", (g) => g.group, hrefOf),
  { id: "state", title: "State", width: 200, wide: true, sort: (g) => g.state, cell: (g) => <GroupState group={g} /> },
  { id: "members", title: "Members", numeric: true, width: 100, sort: (g) => g.members.length, cell: (g) => count(g.members.length) },
  { id: "topics", title: "Topics", wide: true, mono: true, cell: (g) => [...new Set(g.offsets.map((o) => o.topic))].join(", ") },
  { id: "lag", title: "Lag", numeric: true, width: 110, sort: groupLag, cell: (g) => count(groupLag(g)) },
];

export function GroupsPage() {
  const asked = usePoll("groups", api.groups, 2000);
  return <Listing title="Consumer groups" one="group" many="groups" asked={asked} columns={COLUMNS} keyOf={(g) => g.group} href={hrefOf} first="name" teach={<Teach />} />;
}

function Teach() {
  return (
    <div class="teach">
      <h2>No consumer group yet</h2>
      <p>A group appears when its first member joins, for example:</p>
      <Snippet text={`kcat -b ${addresses().kafka} -G my-group readings`} />
    </div>
  );
}
