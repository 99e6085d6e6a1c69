// A pipeline's plan: as it runs, and as it is written. Asked for when it is looked at.
import { api, ApiError } from "../../api/client";
import { usePoll } from "../../api/poll";
import { Refusal, Waiting } from "../../parts/ago";

export function Plan({ sql }: { sql: string }) {
  const asked = usePoll(`plan ${sql}`, (signal) => api.explain(sql, signal), 0);
  const { value, error } = asked;
  if (error && !value) {
    const { line, column } = error;
    const at = line ? new ApiError(error.status, error.message, error.remedy, `line ${line}, column ${column}`) : error;
    return (
      <div class="body">
        <Refusal error={at} />
      </div>
    );
  }
  if (!value) return <Waiting of={asked} />;
  return (
    <div class="plan" tabIndex={0} aria-label="Plan">
      <h3>As it runs</h3>
      <p class="small soft">After the engine's rules: each operator, and what each scan decodes.</p>
      <pre>{value.running}</pre>
      <h3>As it is written</h3>
      <pre>{value.written}</pre>
    </div>
  );
}
