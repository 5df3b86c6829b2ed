/** Many dots as one path: draw it with a round cap and the dot's diameter as width. */
export function dots(points: Iterable<[number, number]>): string {
  let path = "";
  for (const [x, y] of points) if (Number.isFinite(x + y)) path += `M${x.toFixed(1)} ${y.toFixed(1)}h0`;
  return path;
}
