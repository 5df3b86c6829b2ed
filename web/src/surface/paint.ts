/** Paints the plane: what is answered everywhere, and the examples on top. */
import { css, PALETTES } from "../lib/colours";
import type { Playground } from "../state/playground.svelte";
import { drawCurve } from "./curve";
import { drawGrid, paintClasses, paintDiverging, type Scale } from "./heatmap";
import { pictureOf } from "./pictures";
import { drawPoints, toScreen, type Frame, type Look } from "./points";
import { outputScale } from "./scale";

/** A unit or an input that is looked at, else the network's output; for a function of one variable as a curve. */
export function paintAnswers(
  context: CanvasRenderingContext2D,
  frame: Frame,
  { theme }: Look,
  playground: Playground,
): void {
  const { data, depth, hovered, snapshot, view } = playground;
  context.clearRect(0, 0, frame.width, frame.height);
  const surface = snapshot?.arrays.surface;
  const unit = hovered && hovered.layer < depth ? pictureOf(hovered, playground, true) : null;
  const box = { x: 0, y: 0, width: frame.width, height: frame.height };
  const paint = { theme, discrete: view.discrete, strength: 0.72 };
  const grid = (values: Float32Array, side: number, scale: Scale): void =>
    drawGrid(context, side, box, (out) => paintDiverging(values, scale, paint, out));
  if (data?.header.line) {
    const values = unit?.values ?? surface?.values;
    if (!values) return;
    context.strokeStyle = css(PALETTES[theme].positive);
    context.lineWidth = 2.5;
    context.lineJoin = "round";
    drawCurve(context, values, box, unit?.scale ?? frame.up);
  } else if (unit) {
    grid(unit.values, Math.round(Math.sqrt(unit.values.length)), unit.scale);
  } else if (surface) {
    const [classes, rows] = surface.shape as [number, number, number];
    if (classes === 1) grid(surface.values, rows, outputScale(playground));
    else drawGrid(context, rows, box, (out) => paintClasses(surface.values, classes, paint, out));
  }
}

/** All examples, a ring around the chosen one, and the cross of those who draw by key. `ink` is the text's colour. */
export function paintExamples(
  context: CanvasRenderingContext2D,
  frame: Frame,
  look: Look,
  ink: string,
  cross: [number, number] | null,
  { data, example, view }: Playground,
): void {
  context.clearRect(0, 0, frame.width, frame.height);
  if (!data) return;
  const { train, train_y, test, test_y } = data.arrays;
  const { line } = data.header;
  context.globalAlpha = line ? 0.45 : 1;
  const dotted = line ? { ...look, radius: 2.2, colour: ink } : look;
  if (train && train_y) drawPoints(context, frame, train.values, train_y.values, dotted, false);
  if (view.test && test && test_y) drawPoints(context, frame, test.values, test_y.values, dotted, true);
  context.globalAlpha = 1;
  context.strokeStyle = ink;
  if (example !== null && train && example < train.shape[0]!) {
    const [x, y] = toScreen(frame, train.values[2 * example]!, train.values[2 * example + 1]!);
    context.lineWidth = 2;
    context.beginPath();
    context.arc(x, y, 9, 0, 2 * Math.PI);
    context.stroke();
  }
  if (cross) {
    const [x, y] = toScreen(frame, ...cross);
    context.lineWidth = 1.5;
    context.beginPath();
    for (const [dx, dy] of [
      [9, 0],
      [0, 9],
    ] as const) {
      context.moveTo(x - dx, y - dy);
      context.lineTo(x + dx, y + dy);
    }
    context.stroke();
  }
}
