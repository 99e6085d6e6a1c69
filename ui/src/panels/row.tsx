// One row of a live table, by its key: as it is now.
import { api } from "../api/client";
import { usePoll } from "../api/poll";
import type { Cell, Row } from "../api/types";
import { Waiting } from "../parts/ago";
import { CellText } from "../parts/cell";
import { Copy } from "../parts/copy";

export function RowPanel({ table, keyJson }: { table: string; keyJson: string }) {
  const meta = usePoll("tables", api.tables, 0);
  const columns = meta.value?.find((t) => t.name === table)?.columns;
  const parts = JSON.parse(keyJson) as Cell[];
  const path = parts.map((part) => encodeURIComponent(String(part))).join(",");
  const asked = usePoll(`row ${table} ${path}`, (signal) => api.row(table, path, signal), 1000);
  if (!asked.value) return <Waiting of={asked} />;
  const row: Row = asked.value.row;
  const kinds = new Map((columns ?? []).map((c) => [c.name, c.kind]));
  return (
    <>
      <dl class="pairs">
        {Object.entries(row).map(([name, value]) => [
          <dt key={name} class="mono" title={kinds.get(name)}>
            {name}
          </dt>,
          <dd key={`${name}=`} class="mono">
            <CellText value={value} kind={kinds.get(name) ?? ""} />
          </dd>,
        ])}
      </dl>
      {asked.error && <p class="soft">As of the last answer: {asked.error.message}</p>}
      <p>
        <Copy text={JSON.stringify(row, null, 2)} word="Copy as JSON" />
      </p>
    </>
  );
}
