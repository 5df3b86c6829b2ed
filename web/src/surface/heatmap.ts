/** Paints grids of numbers: values -> colours -> a small bitmap -> scaled onto a canvas. */
import { classColour, diverging, mix, PALETTES, type Theme } from "../lib/colours";
import type { Tensor } from "../transport/types";

export interface Paint {
  theme: Theme;
  /** Two colours only: which side, not how far. */
  discrete?: boolean;
  /** 1 = the full colours; less leaves room for points on top. */
  strength?: number;
}

/** How a value becomes t in [-1, 1]: linear from [low, high]. */
export interface Scale {
  low: number;
  high: number;
}

/** Writes `values` (side * side) as RGBA. */
export function paintDiverging(
  values: ArrayLike<number>,
  { low, high }: Scale,
  paint: Paint,
  out: Uint8ClampedArray,
): void {
  const table = diverging(paint.theme, paint.strength ?? 1);
  const scale = high > low ? 2 / (high - low) : 0;
  for (let i = 0; i < values.length; i++) {
    let t = (values[i]! - low) * scale - 1;
    if (paint.discrete) t = t < 0 ? -1 : 1;
    const at = 3 * Math.round(((t < -1 ? -1 : t > 1 ? 1 : t) + 1) * 127.5);
    // a NaN gives no place in the table: it is shown as a hole
    const bad = at !== at;
    out[4 * i] = table[at]!;
    out[4 * i + 1] = table[at + 1]!;
    out[4 * i + 2] = table[at + 2]!;
    out[4 * i + 3] = bad ? 0 : 255;
  }
}

/** K surfaces of probabilities: the colour of the likeliest class, paler the less sure. */
export function paintClasses(surfaces: Float32Array, classes: number, paint: Paint, out: Uint8ClampedArray): void {
  const pixels = surfaces.length / classes;
  const tables = Array.from({ length: classes }, (_, k) => classRamp(paint.theme, k, paint.strength ?? 1));
  for (let p = 0; p < pixels; p++) {
    let best = 0;
    for (let k = 1; k < classes; k++) if (surfaces[k * pixels + p]! > surfaces[best * pixels + p]!) best = k;
    const sure = (surfaces[best * pixels + p]! - 1 / classes) / (1 - 1 / classes);
    const at = 3 * Math.round(63 * (paint.discrete ? 1 : Math.min(1, Math.max(0, sure))));
    const table = tables[best]!;
    out[4 * p] = table[at]!;
    out[4 * p + 1] = table[at + 1]!;
    out[4 * p + 2] = table[at + 2]!;
    out[4 * p + 3] = Number.isNaN(sure) ? 0 : 255;
  }
}

const classRamps = new Map<string, Uint8ClampedArray>();

/** 64 colours from neutral to the class's own. */
export function classRamp(theme: Theme, index: number, strength: number): Uint8ClampedArray {
  const key = `${theme} ${index} ${strength}`;
  let table = classRamps.get(key);
  if (table === undefined) {
    table = new Uint8ClampedArray(3 * 64);
    const { neutral } = PALETTES[theme];
    for (let i = 0; i < 64; i++) table.set(mix(neutral, classColour(theme, index), (strength * i) / 63), 3 * i);
    classRamps.set(key, table);
  }
  return table;
}

export const layerOf = (tensor: Tensor, index: number): Float32Array => {
  const size = tensor.shape[1]! * tensor.shape[2]!;
  return tensor.values.subarray(index * size, (index + 1) * size);
};

const bitmaps = new Map<number, { canvas: HTMLCanvasElement; context: CanvasRenderingContext2D; image: ImageData }>();

/** A scratch bitmap of side * side pixels; `fill` writes it, then it is drawn into the box, smoothed. */
export function drawGrid(
  target: CanvasRenderingContext2D,
  side: number,
  box: { x: number; y: number; width: number; height: number },
  fill: (out: Uint8ClampedArray) => void,
  smooth = true,
): void {
  let scratch = bitmaps.get(side);
  if (scratch === undefined) {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = side;
    const context = canvas.getContext("2d")!;
    scratch = { canvas, context, image: context.createImageData(side, side) };
    bitmaps.set(side, scratch);
  }
  fill(scratch.image.data);
  scratch.context.putImageData(scratch.image, 0, 0);
  target.imageSmoothingEnabled = smooth;
  target.imageSmoothingQuality = "high";
  target.drawImage(scratch.canvas, box.x, box.y, box.width, box.height);
}

/** Sizes a canvas for the screen's pixels and returns a context in CSS pixels. */
export function prepare(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D | null {
  const ratio = window.devicePixelRatio || 1;
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
  }
  const context = canvas.getContext("2d");
  context?.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}
