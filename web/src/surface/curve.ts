/** A function of one variable: the network's curve over the examples. */
import type { Scale } from "./heatmap";

export function drawCurve(
  context: CanvasRenderingContext2D,
  values: ArrayLike<number>,
  box: { x: number; y: number; width: number; height: number },
  { low, high }: Scale,
): void {
  context.beginPath();
  for (let i = 0; i < values.length; i++) {
    const x = box.x + (i / (values.length - 1)) * box.width;
    const y = box.y + ((high - values[i]!) / (high - low || 1)) * box.height;
    if (i === 0) context.moveTo(x, y);
    else context.lineTo(x, y);
  }
  context.stroke();
}
