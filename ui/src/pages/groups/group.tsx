// One consumer group: who is in it, and how far each partition is read.
import { api } from "../../api/client";
import { usePoll } from "../../api/poll";
import type { Group, GroupMember } from "../../api/types";
import { count, plural, whole } from "../../format/number";
import { Stale, Waiting } from "../../parts/ago";
import { Grid, type GridColumn } from "../../parts/grid";
import { GroupState, groupLag } from "./groups";

type Offset = Group["offsets"][number];
const OFFSETS: readonly GridColumn<Offset>[] = [
  {
    id: "topic",
    title: "Topic",
    sort: (o) => `${o.topic} ${o.partition}`,
    cell: (o) => (
      <a class="mono" href={`/topics/${encodeURIComponent(o.topic)}?partition=${o.partition}`}>
        {o.topic}
      </a>
    ),
  },
  { id: "partition", title: "Partition", numeric: true, width: 100, cell: (o) => o.partition },
  { id: "offset", title: "Offset", numeric: true, width: 130, cell: (o) => (o.offset < 0 ? "none" : whole(o.offset)) },
  { id: "end", title: "End", numeric: true, width: 130, wide: true, sort: (o) => o.end, cell: (o) => whole(o.end) },
  { id: "lag", title: "Lag", numeric: true, width: 110, sort: (o) => o.lag, cell: (o) => count(o.lag) },
];

const text = (value: unknown): string => (value === undefined || value === null ? "–" : String(value));
const field = (member: GroupMember, ...names: string[]): string => text(names.map((n) => member[n]).find((v) => v !== undefined));

const MEMBERS: readonly GridColumn<GroupMember>[] = [
  { id: "client", title: "Client", mono: true, cell: (m) => field(m, "client_id", "client", "member_id") },
  { id: "member", title: "Member", mono: true, wide: true, cell: (m) => <span title={field(m, "member_id", "member")}>{field(m, "member_id", "member")}</span> },
  { id: "host", title: "Host", mono: true, width: 140, cell: (m) => field(m, "host", "client_host").replace(/^\//, "") },
];

export function GroupPage({ name }: { name: string }) {
  const asked = usePoll(`group ${name}`, (signal) => api.group(name, signal), 1000);
  const group = asked.value;
  return (
    <>
      <div class="headline">
        <h1 class="mono">{name}</h1>
        {group ? <GroupState group={group} /> : <span class="soft">consumer group</span>}
        {group && <span class="soft">{plural(groupLag(group), "record behind", "records behind")}</span>}
        <Stale of={asked} />
      </div>
      {group ? <Known group={group} /> : <section class="sheet"><Waiting of={asked} /></section>}
    </>
  );
}

function Known({ group }: { group: Group }) {
  const members = group.members.map((m): GroupMember => (typeof m === "string" ? { member_id: m } : m));
  return (
    <div class="stack">
      <section class="sheet">
        <header>
          <h2>Offsets</h2>
        </header>
        <Grid
          label="Offsets"
          rows={group.offsets}
          columns={OFFSETS}
          keyOf={(o) => `${o.topic} ${o.partition}`}
          order={{ param: "sort", first: "topic" }}
          height="calc(100vh - 330px)"
          empty={<p class="soft body">It has committed no offset yet.</p>}
        />
      </section>
      <section class="sheet">
        <header>
          <h2>Members</h2>
          <span class="push soft">{members.length}</span>
        </header>
        <Grid label="Members" rows={members} columns={MEMBERS} keyOf={(m) => field(m, "member_id", "member", "client_id")} empty={<p class="soft body">Nobody is in it now; its offsets are kept.</p>} />
      </section>
    </div>
  );
}
