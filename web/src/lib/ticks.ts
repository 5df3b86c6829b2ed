/** Round numbers between two limits: steps of 1, 2 or 5 times a power of ten. */
export function ticks(low: number, high: number, most = 6): number[] {
  if (!(high > low) || !Number.isFinite(high - low)) return [];
  const rough = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((times) => times * power).find((size) => size >= rough)!;
  const out: number[] = [];
  for (let i = Math.ceil(low / step); i * step <= high * (1 + 1e-12) + 1e-300; i++) out.push(Number((i * step).toPrecision(12)));
  return out;
}

/** Many dots as one path: draw it with a round cap and the dot's diameter as width. */
export function dots(points: Iterable<[number, number]>): string {
  let path = "";
  for (const [x, y] of points) if (Number.isFinite(x + y)) path += `M${x.toFixed(1)} ${y.toFixed(1)}h0`;
  return path;
}
