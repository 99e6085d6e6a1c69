// The frame of every page: bar, the page the URL names, the side panel, the palette, the keys.
import { useEffect } from "preact/hooks";
import { Panel } from "../panels/panel";
import { pageAt } from "../pages/pages";
import { now } from "../state/clock";
import { connection, refused } from "../state/flow";
import { params, path } from "../state/route";
import { Bar } from "./bar";
import { keys } from "./keys";
import { Palette, paletteOpen } from "./palette";

export function Shell() {
  useEffect(() => keys(), []);
  const { title, view } = pageAt(path.value);
  useEffect(() => {
    document.title = title ? `${title} · penstock` : "penstock";
  }, [title]);
  const state = connection.value;
  const stale = state.kind === "lost" && !refused.value && now.value - state.since_ms > 3000;
  const open = params.value.get("open");
  return (
    <div class={`shell ${stale ? "stale" : ""} ${open ? "with-panel" : ""}`}>
      <Bar />
      <main id="page" key={path.value}>
        {view}
      </main>
      {open && <Panel open={open} />}
      {paletteOpen.value && <Palette />}
    </div>
  );
}
