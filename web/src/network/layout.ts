/** Where everything stands: columns for the inputs, the hidden layers and the output; curves for the weights. */

export interface Box {
  /** The middle of the unit. */
  x: number;
  y: number;
  size: number;
}

export interface Column {
  /** 0 = inputs, 1 … L - 1 = hidden, L = output. */
  layer: number;
  x: number;
  boxes: Box[];
  /** Units that found no room. */
  more: number;
}

export interface Edge {
  layer: number;
  /** From unit `from` of layer - 1 to unit `to` of this layer: W[to, from]. */
  from: number;
  to: number;
  x1: number;
  y1: number;
  x2: number;
  y2: number;
  path: string;
}

export interface Layout {
  width: number;
  height: number;
  columns: Column[];
  edges: Edge[];
}

export interface Room {
  width: number;
  height: number;
  /** Left and right margins for the names of inputs and outputs. */
  left: number;
  right: number;
}

const LARGEST = 44;
const SMALLEST = 16;
const GAP = 0.42;

export function arrange(widths: number[], room: Room): Layout {
  const inner = room.width - room.left - room.right;
  const spacing = widths.length > 1 ? inner / (widths.length - 1) : 0;
  const widest = Math.max(...widths);
  // one size for all units: as large as the fullest column and the narrowest gap between columns allow
  const size = Math.floor(
    Math.max(
      SMALLEST,
      Math.min(LARGEST, room.height / (widest * (1 + GAP)), widths.length > 1 ? spacing * 0.42 : LARGEST),
    ),
  );
  const pitch = Math.min(size * 1.75, Math.max(size * (1 + GAP), room.height / widest));
  const fits = Math.max(2, Math.floor(room.height / (size * (1 + GAP)) + 1e-9));
  const columns = widths.map((width, layer): Column => {
    const shown = width > fits ? fits - 1 : width;
    const x = room.left + layer * spacing;
    const step = width > fits ? size * (1 + GAP) : pitch;
    const top = room.height / 2 - ((shown - 1) / 2) * step;
    const boxes = Array.from({ length: shown }, (_, i) => ({ x, y: top + i * step, size }));
    return { layer, x, boxes, more: width - shown };
  });
  return { width: room.width, height: room.height, columns, edges: curves(columns) };
}

function curves(columns: Column[]): Edge[] {
  const edges: Edge[] = [];
  for (let layer = 1; layer < columns.length; layer++) {
    columns[layer - 1]!.boxes.forEach((a, from) =>
      columns[layer]!.boxes.forEach((b, to) => {
        const [x1, y1, x2, y2] = [a.x + a.size / 2, a.y, b.x - b.size / 2, b.y];
        const middle = (x1 + x2) / 2;
        const path = `M${x1.toFixed(1)} ${y1.toFixed(1)}C${middle.toFixed(1)} ${y1.toFixed(1)} ${middle.toFixed(1)} ${y2.toFixed(1)} ${x2.toFixed(1)} ${y2.toFixed(1)}`;
        edges.push({ layer, from, to, x1, y1, x2, y2, path });
      }),
    );
  }
  return edges;
}

/** Where a curve is at share t of its length of parameters: the Bézier's own formula. */
export function along({ x1, y1, x2, y2 }: Edge, t: number): [number, number] {
  const middle = (x1 + x2) / 2;
  const [a, b, c, d] = [(1 - t) ** 3, 3 * (1 - t) ** 2 * t, 3 * (1 - t) * t ** 2, t ** 3];
  return [a * x1 + (b + c) * middle + d * x2, (a + b) * y1 + (c + d) * y2];
}

/** The curve nearest to a place, no farther than `reach`. x rises along every curve, so t is found by halving. */
export function nearestEdge(edges: Edge[], x: number, y: number, reach: number): Edge | null {
  let best: Edge | null = null;
  let least = reach;
  for (const edge of edges) {
    if (x < edge.x1 || x > edge.x2) continue;
    let [low, high] = [0, 1];
    for (let i = 0; i < 12; i++) {
      const t = (low + high) / 2;
      if (along(edge, t)[0] < x) low = t;
      else high = t;
    }
    const [px, py] = along(edge, low);
    const [qx, qy] = along(edge, Math.min(1, low + 0.02));
    // the distance across, not up: steep curves are as easy to touch as flat ones
    const distance = Math.abs(py - y) * Math.cos(Math.atan2(qy - py, qx - px));
    if (distance < least) [best, least] = [edge, distance];
  }
  return best;
}

/** Width of a weight's curve in pixels: grows with |w|, never vanishes, never floods. */
export const strokeWidth = (weight: number): number => Math.min(5, 0.5 + 1.5 * Math.log2(1 + Math.abs(weight)));
