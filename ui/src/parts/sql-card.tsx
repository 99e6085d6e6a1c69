// The demo's SQL file: where it is, which line to change, and what its pipeline makes of it.
import { api } from "../api/client";
import { usePoll } from "../api/poll";
import type { Pipeline } from "../api/types";
import { lineToChange } from "../format/advice";
import { sqlLines } from "../format/code";
import { demo } from "../state/flow";
import { Ago } from "./ago";
import { Copy } from "./copy";
import { StateMark } from "./job";
import { Code } from "./code";

const tail = (path: string) => path.split("/").pop() ?? path;

export function SqlCard() {
  const asked = usePoll("demo pipelines", api.pipelines, 1000);
  const path = demo.value?.sql_path ?? "";
  const job = asked.value?.find((p) => tail(p.file) === tail(path)) ?? asked.value?.find((p) => p.name === "machine");
  const change = job ? lineToChange(job.sql) : null;
  return (
    <section class="sheet demo-sql">
      <header>
        <h2>Change it, save it</h2>
        <span class="push">{job && <StateMark job={job} />}</span>
      </header>
      <div class="body stack">
        <div>
          <p class="small soft">The pipeline is this file</p>
          <div class="path">
            <code>{path.split(/(?<=\/)/).map((part) => [<wbr key={part} />, part])}</code>
            <Copy text={path} />
          </div>
        </div>
        {change && (
          <div>
            <p>
              <b>Line {change.line}.</b> {change.advice}
            </p>
            <pre class="one-line">
              {sqlLines(change.text.trim())[0]?.map((piece, i) => (
                <span key={i} class={piece.kind}>
                  {piece.text}
                </span>
              ))}
            </pre>
          </div>
        )}
        {job && <Outcome job={job} />}
        {job && <Code text={job.sql} error={job.error} focus={change?.line ?? 0} />}
      </div>
    </section>
  );
}

function Outcome({ job }: { job: Pipeline }) {
  const page = `/pipelines/${encodeURIComponent(job.name)}`;
  if (job.error)
    return (
      <div class="refusal" role="alert">
        <div>
          <p>{job.error.message}</p>
          <p class="soft">{job.error.remedy}</p>
          <a href={page}>
            {job.error.line ? `Line ${job.error.line}, column ${job.error.column}` : "See the pipeline"}
          </a>
        </div>
      </div>
    );
  return (
    <p class="soft">
      It runs since <Ago at_ms={job.since_ms} />. <a href={page}>See it work</a>
    </p>
  );
}
