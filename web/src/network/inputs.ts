/** The surfaces of the inputs the page knows by name; an expression of one's own is the server's to compute. */
const KNOWN: Record<string, (x1: number, x2: number) => number> = {
  x: (x1) => x1,
  x1: (x1) => x1,
  x2: (_, x2) => x2,
  "x^2": (x1) => x1 * x1,
  "x^3": (x1) => x1 ** 3,
  "sin(x)": (x1) => Math.sin(x1),
  "cos(x)": (x1) => Math.cos(x1),
  "x1^2": (x1) => x1 * x1,
  "x2^2": (_, x2) => x2 * x2,
  "x1*x2": (x1, x2) => x1 * x2,
  "sin(x1)": (x1) => Math.sin(x1),
  "sin(x2)": (_, x2) => Math.sin(x2),
};

export interface Extent {
  low: number;
  high: number;
}

/** side * side values over the box, row 0 at the top; null for an input that is not known by name. */
export function inputSurface(name: string, side: number, [across, up]: [Extent, Extent]): Float32Array | null {
  const f = KNOWN[name.replaceAll(" ", "")];
  if (f === undefined) return null;
  const out = new Float32Array(side * side);
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      const x1 = across.low + ((across.high - across.low) * column) / (side - 1);
      const x2 = up.high - ((up.high - up.low) * row) / (side - 1);
      out[row * side + column] = f(x1, x2);
    }
  }
  return out;
}
