// The demo's first screen: the flow, your processor with its normal band, the SQL to change, your own event.
import { useEffect, useMemo, useState } from "preact/hooks";
import { ApiError, api } from "../api/client";
import { usePoll } from "../api/poll";
import type { Row, TableRow } from "../api/types";
import { BandChart } from "../charts/band";
import { type Alert, Telemetry } from "../charts/telemetry";
import { Graph } from "../flow/graph";
import { Troubles } from "../flow/troubles";
import { measure } from "../format/number";
import { duration } from "../format/time";
import { Ago, Refusal } from "../parts/ago";
import { HealthMark, Icon } from "../parts/icons";
import { SqlCard } from "../parts/sql-card";
import { ReadingTabs } from "../parts/snippets";
import { now } from "../state/clock";
import { demo, flow, skew_ms, troubles } from "../state/flow";
import { go, params, withParams } from "../state/route";

const FLAG_MS = 4000;
const NEEDED = ["machine_now", "machine_band", "alerts"];

/** The demo's tables once they are there; asked for every second until then. */
function useTelemetry(): Telemetry | null {
  const [known, setKnown] = useState<readonly TableRow[] | null>(null);
  const asked = usePoll(known ? null : "demo tables", api.tables, 1000);
  useEffect(() => {
    if (!known && asked.value && NEEDED.every((name) => asked.value?.some((t) => t.name === name))) setKnown(asked.value);
  }, [asked.value, known]);
  const telemetry = useMemo(() => (known ? new Telemetry(known) : null), [known]);
  useEffect(() => () => telemetry?.close(), [telemetry]);
  return telemetry;
}

export function DemoPage() {
  const telemetry = useTelemetry();
  return (
    <div class="demo">
      <h1 class="hidden">Your computer is the machine</h1>
      <section class="sheet demo-flow" aria-label="The live flow">
        <header>
          <h2>The flow, live</h2>
          <a class="push small" href="/flow">
            Open
          </a>
        </header>
        <div class="body">{flow.value && <Graph flow={flow.value} direction="down" />}</div>
        {troubles.value.length > 0 && <Troubles />}
      </section>
      <Machine telemetry={telemetry} />
      <SqlCard />
      <Alerts telemetry={telemetry} />
      <section class="sheet demo-send">
        <header>
          <h2>Now send your own event</h2>
          <a class="push small" href="/topics/readings">
            The topic readings
          </a>
        </header>
        <div class="body">
          <ReadingTabs />
        </div>
      </section>
    </div>
  );
}

function Machine({ telemetry }: { telemetry: Telemetry | null }) {
  telemetry?.version.value;
  const sensors = telemetry?.sensors() ?? [];
  const wanted = params.value.get("sensor") ?? "cpu";
  const sensor = sensors.includes(wanted) ? wanted : (sensors[0] ?? "cpu");
  const server_ms = now.value + skew_ms.value;
  const flagged = new Set((telemetry?.alerts() ?? []).filter((a) => server_ms - a.at_ms < FLAG_MS).map((a) => a.sensor));
  return (
    <section class="sheet demo-machine">
      <header>
        <h2>This computer</h2>
        <span class="flag-place" role="status">
          {flagged.size > 0 && (
            <span class="flag">
              <Icon name="warn" size={14} />
              {[...flagged].slice(0, 2).join(", ")} above normal
            </span>
          )}
        </span>
        <LoadButton />
      </header>
      <div class="body">
        {telemetry && sensors.length > 0 ? (
          <>
            <BandChart telemetry={telemetry} sensor={sensor} height={250} />
            <div class="chips" role="group" aria-label="Sensor">
              {sensors.map((name) => (
                <button
                  key={name}
                  type="button"
                  class={flagged.has(name) ? "flagged" : ""}
                  aria-pressed={name === sensor}
                  onClick={() => go(withParams({ sensor: name === "cpu" ? null : name }), { replace: true })}
                >
                  <span class="mono">{name}</span>
                  <span class="value">{measure(telemetry.history.last(name)?.value, telemetry.units.get(name))}</span>
                </button>
              ))}
            </div>
          </>
        ) : (
          <p class="soft first-wait">The pipeline is starting; the first window closes in a second or two.</p>
        )}
      </div>
    </section>
  );
}

function LoadButton() {
  const [error, setError] = useState<ApiError | null>(null);
  const until_ms = demo.value?.load_until_ms ?? 0;
  const left_ms = until_ms - (now.value + skew_ms.value);
  const load = async () => {
    try {
      const { load_until_ms } = await api.load(10);
      if (demo.value) demo.value = { ...demo.value, load_until_ms };
      setError(null);
    } catch (cause) {
      setError(cause instanceof ApiError ? cause : new ApiError(0, String(cause)));
    }
  };
  return (
    <>
      <button type="button" class="main push load" onClick={load} disabled={left_ms > 0}>
        <Icon name="bolt" />
        {left_ms > 0 ? `A core is loaded: ${duration(Math.ceil(left_ms / 1000) * 1000).replace(".0", "")}` : "Load a core for 10\u202fs"}
      </button>
      {error && <Refusal error={error} />}
    </>
  );
}

const said = (row: Row, name: string, unit: string | undefined) => (typeof row[name] === "number" ? measure(row[name], unit) : null);

function AlertLine({ alert, unit }: { alert: Alert; unit: string | undefined }) {
  const value = said(alert.row, "reading", unit) ?? said(alert.row, "mean", unit) ?? said(alert.row, "value", unit);
  const [low, high] = [said(alert.row, "low", unit), said(alert.row, "high", unit)];
  return (
    <li>
      <HealthMark health="warn" />
      <button type="button" class="quiet mono" onClick={() => go(withParams({ sensor: alert.sensor }), { replace: true })}>
        {alert.sensor}
      </button>
      <span class="value">{value ?? ""}</span>
      <span class="soft small normal">{low !== null && high !== null ? `normal ${low} to ${high}` : ""}</span>
      <span class="push soft small">
        <Ago at_ms={alert.at_ms - skew_ms.value} />
      </span>
    </li>
  );
}

function Alerts({ telemetry }: { telemetry: Telemetry | null }) {
  telemetry?.version.value;
  const all = telemetry?.alerts() ?? [];
  return (
    <section class="sheet demo-alerts">
      <header>
        <h2>Alerts</h2>
        <a class="push small" href="/tables/alerts">
          The live table alerts
        </a>
      </header>
      {all.length === 0 ? (
        <p class="soft body">None yet. Load a core: within two seconds its row stands here.</p>
      ) : (
        <ul>
          {all.slice(0, 4).map((alert) => (
            <AlertLine key={`${alert.sensor} ${alert.at_ms}`} alert={alert} unit={telemetry?.units.get(alert.sensor)} />
          ))}
        </ul>
      )}
    </section>
  );
}
