// The choice of a virtual host, on pages that list what may lie in several. The URL keeps it; where there is one, nothing is shown.
import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import type { GridColumn } from "../parts/grid";
import { Choice } from "../parts/search";
import { params } from "../state/route";

const ALL = "";

interface InVhost {
  vhost: string;
}

/** The rows of the chosen virtual host, the column that names it, and the choice; a row of none has an empty one. */
export function useVhosts<R extends InVhost>(all: readonly R[] | null): { rows?: readonly R[]; column: readonly GridColumn<R>[]; choice: JSX.Element | false } {
  const chosen = params.value.get("vhost") ?? ALL;
  const rows = useMemo(() => all?.filter((row) => chosen === ALL || row.vhost === chosen), [all, chosen]);
  const vhosts = [...new Set([...(all ?? []).map((row) => row.vhost), chosen])].filter((name) => name !== ALL).sort();
  const several = vhosts.length > 1 || chosen !== ALL;
  return {
    ...(rows && { rows }),
    column: several ? [{ id: "vhost", title: "Virtual host", mono: true, width: 120, wide: true, sort: (row) => row.vhost, cell: (row) => row.vhost || "–" }] : [],
    choice: several && <Choice label="Virtual host" param="vhost" options={[[ALL, "all virtual hosts"], ...vhosts.map((name) => [name, name] as const)]} />,
  };
}
