// One minute as a line without axes.
import { sparkPath } from "./geometry";

export function Spark({ values, width, height }: { values: readonly number[]; width: number; height: number }) {
  const { line, area } = sparkPath(values, width, height);
  return (
    <svg class="spark" width={width} height={height} viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
      <path class="area" d={area} />
      <path class="line" d={line} />
    </svg>
  );
}
