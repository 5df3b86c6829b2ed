import { css, divergingCss, PALETTES, type Theme } from "../lib/colours";
import type { Playground } from "../state/playground.svelte";
import { flat, weightName, type Placed, type Unit } from "../state/theta";
import { drawCurve } from "../surface/curve";
import { drawGrid, paintClasses, paintDiverging, prepare } from "../surface/heatmap";
import { pictureOf } from "../surface/pictures";
import { strokeWidth, type Box, type Edge, type Layout } from "./layout";

const CORNER = 5;

/** Every unit's own surface, all on one canvas beneath the drawing. */
export function paintNetwork(canvas: HTMLCanvasElement, layout: Layout, playground: Playground, theme: Theme): void {
  const context = prepare(canvas, layout.width, layout.height);
  if (!context) return;
  context.clearRect(0, 0, layout.width, layout.height);
  context.save();
  context.beginPath();
  for (const { boxes } of layout.columns) {
    for (const box of boxes) context.roundRect(box.x - box.size / 2, box.y - box.size / 2, box.size, box.size, CORNER);
  }
  context.clip();
  for (const { layer, boxes } of layout.columns) {
    boxes.forEach((box, unit) => paintUnit(context, box, { layer, unit }, playground, theme));
  }
  context.restore();
}

/** One unit's surface into its box. */
export function paintUnit(
  context: CanvasRenderingContext2D,
  box: Box,
  at: Unit,
  playground: Playground,
  theme: Theme,
): void {
  const { data, depth, snapshot } = playground;
  const surface = snapshot?.arrays.surface;
  if (at.layer === depth && surface && surface.shape[0]! > 1) {
    paintClass(context, box, surface.values, surface.shape, at.unit, theme);
    return;
  }
  const picture = pictureOf(at, playground);
  if (!picture) return;
  const { values, scale } = picture;
  if (data?.header.line) {
    context.strokeStyle = css(PALETTES[theme].positive);
    context.lineWidth = 1.5;
    drawCurve(context, values, area(box), { low: 1.1 * scale.low, high: 1.1 * scale.high });
  } else {
    const paint = { theme, discrete: playground.view.discrete };
    drawGrid(context, Math.round(Math.sqrt(values.length)), area(box), (out) =>
      paintDiverging(values, scale, paint, out),
    );
  }
}

const area = (box: Box) => ({ x: box.x - box.size / 2, y: box.y - box.size / 2, width: box.size, height: box.size });

/** One class's probability alone, in its own colour. */
function paintClass(
  context: CanvasRenderingContext2D,
  box: Box,
  surfaces: Float32Array,
  shape: number[],
  k: number,
  theme: Theme,
): void {
  const [classes, rows, columns] = shape as [number, number, number];
  const pixels = rows * columns;
  const alone = new Float32Array(pixels * classes);
  alone.set(surfaces.subarray(k * pixels, (k + 1) * pixels), k * pixels);
  drawGrid(context, rows, area(box), (out) => paintClasses(alone, classes, { theme }, out));
}

/** Each curve's width and colour from its weight; what stays the same is not touched. */
export function paintCurves(
  group: SVGGElement,
  edges: Edge[],
  theta: Float32Array,
  tensors: ReadonlyMap<string, Placed>,
  theme: Theme,
): void {
  const paths = group.children;
  for (let i = 0; i < edges.length; i++) {
    const { layer, from, to } = edges[i]!;
    const tensor = tensors.get(weightName(layer));
    const path = paths[i];
    if (!tensor || !path) continue;
    const weight = theta[flat(tensor, [to, from])] ?? NaN;
    const finite = Number.isFinite(weight);
    set(path, "stroke-width", strokeWidth(finite ? weight : 0).toFixed(1));
    // the sign is seen even of small weights
    const shade = Math.sign(weight) * Math.min(1, 0.22 + Math.abs(weight) / 1.6);
    set(path, "stroke", finite ? divergingCss(theme, shade) : "var(--danger)");
  }
}

function set(element: Element, name: string, value: string): void {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}
