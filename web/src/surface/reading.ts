import { number, short } from "../lib/format";
import type { Playground } from "../state/playground.svelte";
import { toPlane, type Frame } from "./points";

/** What the network answers at a place on the screen, in words. */
export function readingAt(
  [x, y]: [number, number],
  frame: Frame,
  { snapshot, data, classes: names }: Playground,
): string | null {
  const surface = snapshot?.arrays.surface;
  if (!surface || !data) return null;
  const [x1, x2] = toPlane(frame, x, y);
  const [classes, rows, columns] = surface.shape as [number, number, number];
  const place = (share: number, count: number): number =>
    Math.min(count - 1, Math.max(0, Math.round(share * (count - 1))));
  const [row, column] = [place(y / frame.height, rows), place(x / frame.width, columns)];
  const at = (k: number): number => surface.values[(k * rows + row) * columns + column] ?? NaN;
  const where = data.header.line ? `${data.header.axes[0]!.name} = ${short(x1)}` : `${short(x1)}, ${short(x2)}`;
  if (classes === 1) return `${where}: ${number(at(0), 3)}`;
  const best = Array.from({ length: classes }, (_, k) => k).reduce((a, b) => (at(b) > at(a) ? b : a));
  return `${where}: ${names[best]} with ${number(at(best), 2)}`;
}
