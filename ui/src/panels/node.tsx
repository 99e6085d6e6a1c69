// A node of the flow, looked at more closely: its minute, its neighbours, its troubles, the way to its page.
import type { Flow, FlowNode } from "../api/types";
import { Spark } from "../flow/spark";
import { Figure } from "../parts/figure";
import { HealthMark, Icon, KIND_WORD } from "../parts/icons";
import { Ago } from "../parts/ago";
import { count, rate } from "../format/number";
import { flow } from "../state/flow";
import { pageOf, withParams } from "../state/route";

const PAGE_WORD: Record<string, string> = { topic: "Open the topic", pipeline: "Open the pipeline", table: "Open the live table", client: "Open the consumer group" };

export function NodePanel({ id }: { id: string }) {
  const shown = flow.value;
  const node = shown?.nodes.find((n) => n.id === id);
  if (!shown || !node) return <p class="soft">{shown ? "It is no longer part of the flow." : "Asking …"}</p>;
  const page = pageOf(id);
  return (
    <>
      <div class="row">
        <Icon name={node.kind} />
        <span class="soft">{KIND_WORD[node.kind]}</span>
        <HealthMark health={node.status} word={node.status === "ok" ? "well" : node.status} />
      </div>
      {node.detail && <p>{node.detail}</p>}
      <dl class="figures-row">
        <Figure word="rate" value={rate(node.rate)} />
        <Figure word="lag" value={count(node.lag)} />
        <Figure word="peak in a minute" value={rate(Math.max(0, ...node.spark))} />
      </dl>
      <div>
        <Spark values={node.spark} width={396} height={72} />
        <p class="small faint right">the last minute</p>
      </div>
      <Beside title="Comes from" flow={shown} ids={shown.edges.filter((e) => e.to === id).map((e) => [e.from, e.rate])} />
      <Beside title="Goes to" flow={shown} ids={shown.edges.filter((e) => e.from === id).map((e) => [e.to, e.rate])} />
      <Wrong flow={shown} node={node} />
      {page && (
        <p>
          <a class="button main" href={page}>
            {PAGE_WORD[node.kind]} <Icon name="arrow" />
          </a>
        </p>
      )}
    </>
  );
}

function Beside({ title, flow: shown, ids }: { title: string; flow: Flow; ids: [string, number][] }) {
  if (ids.length === 0) return null;
  return (
    <div>
      <p class="small soft">{title}</p>
      <dl class="pairs">
        {ids.map(([id, amount]) => {
          const node = shown.nodes.find((n) => n.id === id);
          return [
            <dt key={id}>
              <a class="mono" href={withParams({ open: id })}>
                {node?.label ?? id}
              </a>
            </dt>,
            <dd key={`${id}=`}>{rate(amount)}</dd>,
          ];
        })}
      </dl>
    </div>
  );
}

function Wrong({ flow: shown, node }: { flow: Flow; node: FlowNode }) {
  const mine = shown.troubles.filter((t) => t.node === node.id);
  return (
    <>
      {mine.map((t) => (
        <div class="refusal" key={t.message}>
          <Icon name={t.level === "error" ? "error" : "warn"} />
          <div>
            <p>{t.message}</p>
            <p class="soft">{t.remedy}</p>
            <p class="small soft">
              <Ago at_ms={t.at_ms} />
            </p>
          </div>
        </div>
      ))}
    </>
  );
}
