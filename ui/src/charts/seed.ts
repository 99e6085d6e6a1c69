// What was before one looked: the rows of a table's topic since a moment, oldest first, unless compaction has taken them.
import { api } from "../api/client";
import type { Row } from "../api/types";

const PAGES_MAX = 8;
const LIMIT = 500;

export async function pastRows(topic: string, since_ms: number, note: (row: Row) => void): Promise<void> {
  try {
    let { records } = await api.records(topic, { from: Math.floor(since_ms), limit: LIMIT });
    for (let page = 0; records.length > 0 && page < PAGES_MAX; page += 1) {
      for (const record of records) if (record.value !== null && record.encoding.value === "utf8") note(JSON.parse(record.value) as Row);
      const last = records[records.length - 1];
      if (records.length < LIMIT || !last) break;
      ({ records } = await api.records(topic, { partition: last.partition, offset: last.offset + 1, limit: LIMIT }));
    }
  } catch {
    // The chart then begins empty and fills as it goes.
  }
}
