/** A few points of each pattern, for its button: [x, y, t] in [-1, 1], t from -1 (orange) to 1 (blue). */
type Dot = [number, number, number];

/** Halton's sequence: even, without looking like a grid, and the same each time. */
const halton = (index: number, base: number): number => {
  let [value, share] = [0, 1];
  for (let i = index; i > 0; i = Math.floor(i / base)) value += (share /= base) * (i % base);
  return value;
};
const square = (n: number): [number, number][] =>
  Array.from({ length: n }, (_, i) => [2 * halton(i + 1, 2) - 1, 2 * halton(i + 1, 3) - 1]);
const turn = (r: number, angle: number, t: number): Dot => [r * Math.sin(angle), -r * Math.cos(angle), t];

export const THUMBNAILS: Record<string, () => Dot[]> = {
  circle: () =>
    square(56).map(([u, v], i) =>
      turn(i % 2 ? 0.38 * Math.sqrt((u + 1) / 2) : 0.72 + 0.1 * (u + 1), Math.PI * v, i % 2 ? 1 : -1),
    ),
  xor: () =>
    square(48).map(([x, y]) => [0.9 * x + 0.08 * Math.sign(x), 0.9 * y + 0.08 * Math.sign(y), x * y > 0 ? -1 : 1]),
  gauss: () =>
    square(44).map(([u, v], i) => {
      const side = i % 2 ? 1 : -1;
      const r = 0.26 * Math.sqrt(-2 * Math.log((u + 1.02) / 2.04));
      return [0.4 * side + r * Math.cos(Math.PI * v), -0.4 * side + r * Math.sin(Math.PI * v), side];
    }),
  spiral: () =>
    Array.from({ length: 56 }, (_, i): Dot => {
      const along = (i >> 1) / 28;
      return turn(0.92 * along, 1.75 * along * 2 * Math.PI + (i % 2 ? Math.PI : 0), i % 2 ? -1 : 1);
    }),
  moons: () =>
    Array.from({ length: 40 }, (_, i): Dot => {
      const angle = (Math.PI * (i >> 1)) / 19;
      return i % 2
        ? [0.6 * Math.cos(angle) - 0.3, -0.6 * Math.sin(angle) + 0.15, -1]
        : [0.6 - 0.6 * Math.cos(angle) - 0.3, 0.6 * Math.sin(angle) - 0.2, 1];
    }),
  plane: () => square(60).map(([x, y]) => [0.92 * x, 0.92 * y, (x - y) / 2]),
  multi_gauss: () => {
    const centres: Dot[] = [-0.62, 0, 0.62].flatMap((x, i) =>
      [-0.4, 0.4].map((y, j): Dot => [x, y, (i + j) % 2 ? 1 : -1]),
    );
    return square(84).map(([x, y]) => {
      const near = centres.reduce((a, b) => (Math.hypot(x - a[0], y - a[1]) < Math.hypot(x - b[0], y - b[1]) ? a : b));
      return [0.95 * x, 0.95 * y, near[2] * Math.max(0, 1 - Math.hypot(x - near[0], y - near[1]) / 0.38)];
    });
  },
  function: () =>
    Array.from({ length: 30 }, (_, i): Dot => [
      -0.9 + (1.8 * i) / 29,
      -0.6 * Math.sin((i / 29) * 6.6),
      Math.sin((i / 29) * 6.6),
    ]),
};
