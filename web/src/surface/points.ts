/** Examples on a canvas: filled for training, rings for test; each class has its colour and, from three on, its shape. */
import { classColour, css, divergingCss, type Theme } from "../lib/colours";
import type { Scale } from "./heatmap";

export interface Frame {
  width: number;
  height: number;
  across: Scale;
  up: Scale;
}

export const toScreen = (frame: Frame, x1: number, x2: number): [number, number] => [
  ((x1 - frame.across.low) / (frame.across.high - frame.across.low)) * frame.width,
  ((frame.up.high - x2) / (frame.up.high - frame.up.low)) * frame.height,
];

export const toPlane = (frame: Frame, x: number, y: number): [number, number] => [
  frame.across.low + (x / frame.width) * (frame.across.high - frame.across.low),
  frame.up.high - (y / frame.height) * (frame.up.high - frame.up.low),
];

type Shape = (context: CanvasRenderingContext2D, x: number, y: number, r: number) => void;

const polygon =
  (corners: number, turn: number, stretch: number): Shape =>
  (context, x, y, r) => {
    for (let i = 0; i <= corners; i++) {
      const angle = turn + (2 * Math.PI * i) / corners;
      const place = [x + stretch * r * Math.cos(angle), y + stretch * r * Math.sin(angle)] as const;
      if (i === 0) context.moveTo(...place);
      else context.lineTo(...place);
    }
  };

const disc: Shape = (context, x, y, r) => {
  context.moveTo(x + r, y);
  context.arc(x, y, r, 0, 2 * Math.PI);
};

const SHAPES: Shape[] = [
  disc,
  polygon(4, Math.PI / 4, 1.25),
  polygon(3, -Math.PI / 2, 1.4),
  polygon(4, 0, 1.4),
  polygon(3, Math.PI / 2, 1.4),
  polygon(5, -Math.PI / 2, 1.2),
];

export interface Look {
  theme: Theme;
  /** 0 for numbers: the colour then comes from `range`. */
  classes: number;
  range: Scale;
  radius: number;
  /** One colour for all: where height already says y. */
  colour?: string;
}

export function colourOf(y: number, { theme, classes, range, colour }: Look): string {
  if (colour !== undefined) return colour;
  if (classes > 0) return css(classColour(theme, y));
  return divergingCss(theme, (2 * (y - range.low)) / (range.high - range.low || 1) - 1);
}

/** Classes are told apart without their colours too. */
export const shapeOf = (y: number, { classes }: Look): Shape => (classes > 2 ? SHAPES[y % SHAPES.length]! : disc);

export function drawPoints(
  context: CanvasRenderingContext2D,
  frame: Frame,
  points: Float32Array,
  y: Float32Array,
  look: Look,
  test: boolean,
): void {
  const halo = look.theme === "light" ? "rgb(255 255 255 / 0.85)" : "rgb(12 14 16 / 0.8)";
  for (let i = 0; i < y.length; i++) {
    const [px, py] = toScreen(frame, points[2 * i]!, points[2 * i + 1]!);
    if (px < -9 || py < -9 || px > frame.width + 9 || py > frame.height + 9) continue;
    context.beginPath();
    shapeOf(y[i]!, look)(context, px, py, look.radius);
    if (test) {
      context.lineWidth = 3.2;
      context.strokeStyle = halo;
      context.stroke();
      context.lineWidth = 1.6;
      context.strokeStyle = colourOf(y[i]!, look);
      context.stroke();
    } else {
      context.lineWidth = 1.6;
      context.strokeStyle = halo;
      context.stroke();
      context.fillStyle = colourOf(y[i]!, look);
      context.fill();
    }
  }
}

/** The point nearest to a place on the screen, no farther than `reach` pixels; -1 for none. */
export function nearestPoint(frame: Frame, points: Float32Array, x: number, y: number, reach: number): number {
  let [best, least] = [-1, reach * reach];
  for (let i = 0; 2 * i + 1 < points.length; i++) {
    const [px, py] = toScreen(frame, points[2 * i]!, points[2 * i + 1]!);
    const distance = (px - x) ** 2 + (py - y) ** 2;
    if (distance < least) [best, least] = [i, distance];
  }
  return best;
}
