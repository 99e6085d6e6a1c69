// All consumer groups.
import { api } from "../../api/client";
import { usePoll } from "../../api/poll";
import type { Group } from "../../api/types";
import { count } from "../../format/number";
import { Stale, Waiting } from "../../parts/ago";
import { Snippet } from "../../parts/copy";
import { Grid, type GridColumn } from "../../parts/grid";
import { HealthMark } from "../../parts/icons";
import { Search, useSearch } from "../../parts/search";
import { addresses } from "../../parts/snippets";

export const groupLag = (g: Group): number => g.offsets.reduce((sum, o) => sum + Math.max(0, o.lag), 0);
export const GroupState = ({ group }: { group: Group }) => (
  <HealthMark health={group.members.length ? (/stable/i.test(group.state) ? "ok" : "warn") : "idle"} word={group.state.toLowerCase()} />
);

const COLUMNS: readonly GridColumn<Group>[] = [
  {
    id: "group",
    title: "Consumer group",
    sort: (g) => g.group,
    cell: (g) => (
      <a class="mono" href={`/groups/${encodeURIComponent(g.group)}`}>
        {g.group}
      </a>
    ),
  },
  { id: "state", title: "State", width: 200, wide: true, sort: (g) => g.state, cell: (g) => <GroupState group={g} /> },
  { id: "members", title: "Members", numeric: true, width: 100, sort: (g) => g.members.length, cell: (g) => count(g.members.length) },
  { id: "topics", title: "Topics", wide: true, mono: true, cell: (g) => [...new Set(g.offsets.map((o) => o.topic))].join(", ") },
  { id: "lag", title: "Lag", numeric: true, width: 110, sort: groupLag, cell: (g) => count(groupLag(g)) },
];

export function GroupsPage() {
  const asked = usePoll("groups", api.groups, 2000);
  const search = useSearch();
  const rows = (asked.value ?? []).filter((g) => g.group.toLowerCase().includes(search));
  return (
    <>
      <div class="headline">
        <h1>Consumer groups</h1>
        <Stale of={asked} />
      </div>
      <section class="sheet">
        <header class="tools">
          <Search place="Search groups" />
        </header>
        {asked.value ? (
          <Grid
            label="Consumer groups"
            rows={rows}
            columns={COLUMNS}
            keyOf={(g) => g.group}
            href={(g) => `/groups/${encodeURIComponent(g.group)}`}
            order={{ param: "sort", first: "group" }}
            height="calc(100vh - 190px)"
            empty={search ? <p class="soft waiting">No group has {search} in its name.</p> : <Teach />}
          />
        ) : (
          <Waiting of={asked} />
        )}
      </section>
    </>
  );
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
