import { css, PALETTES, type Theme } from "../lib/colours";
import type { Playground } from "../state/playground.svelte";
import { drawCurve } from "../surface/curve";
import { drawGrid, layerOf, paintClasses, paintDiverging, prepare, type Scale } from "../surface/heatmap";
import { outputScale } from "../surface/scale";
import { inputSurface } from "./inputs";
import type { Box, Layout } from "./layout";

const INPUT_SIDE = 20;

/** Symmetric about zero, so that a neutral colour is always a zero. */
export const aboutZero = (low: number, high: number): Scale => {
  const size = Math.max(Math.abs(low), Math.abs(high), 1e-9);
  return { low: -size, high: size };
};

function extremes(values: Float32Array): Scale {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return aboutZero(low, high);
}

/** Every unit's own surface, all on one canvas beneath the drawing. */
export function paintNetwork(canvas: HTMLCanvasElement, layout: Layout, playground: Playground, theme: Theme): void {
  const context = prepare(canvas, layout.width, layout.height);
  const { snapshot, data, facts } = playground;
  if (!context || !snapshot || !data || !facts) return;
  context.clearRect(0, 0, layout.width, layout.height);
  context.save();
  context.beginPath();
  for (const { boxes } of layout.columns) {
    for (const box of boxes) context.roundRect(box.x - box.size / 2, box.y - box.size / 2, box.size, box.size, 5);
  }
  context.clip();

  const paint = { theme, discrete: playground.view.discrete };
  const show = (box: Box, values: Float32Array, scale: Scale, discrete = paint.discrete): void =>
    line
      ? drawCurve(context, values, area(box), { low: 1.1 * scale.low, high: 1.1 * scale.high })
      : drawGrid(context, Math.round(Math.sqrt(values.length)), area(box), (out) =>
          paintDiverging(values, scale, { theme, discrete }, out),
        );

  const [across, up] = data.header.axes;
  const line = data.header.line === true;
  context.strokeStyle = css(PALETTES[theme].positive);
  context.lineWidth = 1.5;
  const units = snapshot.arrays.units;
  const ranges = snapshot.header.unit_ranges;
  const surface = snapshot.arrays.surface;
  let hidden = 0;
  layout.columns.forEach(({ layer, boxes, more }) => {
    boxes.forEach((box, i) => {
      if (layer === 0) {
        const values = across && inputSurface(facts.inputs[i] ?? "", INPUT_SIDE, [across, up ?? across]);
        // on a line, one row of the square is the curve
        if (values) show(box, line ? values.subarray(0, INPUT_SIDE) : values, extremes(values));
      } else if (layer < playground.depth) {
        if (!units || hidden + i >= units.shape[0]!) return;
        const values = layerOf(units, hidden + i);
        const range = ranges?.[hidden + i];
        show(box, values, range ? aboutZero(...range) : extremes(values));
      } else if (surface && surface.shape.length === 3) {
        if (surface.shape[0]! > 1) drawClass(context, box, surface.values, surface.shape, i, theme);
        else show(box, surface.values, outputScale(playground));
      }
    });
    if (layer > 0 && layer < playground.depth) hidden += boxes.length + more;
  });
  context.restore();
}

const area = (box: Box) => ({ x: box.x - box.size / 2, y: box.y - box.size / 2, width: box.size, height: box.size });

/** One class's probability alone, in its own colour. */
function drawClass(context: CanvasRenderingContext2D, box: Box, surfaces: Float32Array, shape: number[], k: number, theme: Theme): void {
  const [classes, rows, columns] = shape as [number, number, number];
  const pixels = rows * columns;
  const alone = new Float32Array(pixels * classes);
  // the others share what is left below it, so that this class is the likeliest wherever it is shown
  alone.set(surfaces.subarray(k * pixels, (k + 1) * pixels), k * pixels);
  drawGrid(context, rows, area(box), (out) => paintClasses(alone, classes, { theme }, out));
}
