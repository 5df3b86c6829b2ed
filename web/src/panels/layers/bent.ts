/** The plane of a layer of two units: its limits, the bent grid, and the output layer's answer over it. */
import type { Tensor } from "../../transport/types";

export interface Box {
  x: [number, number];
  y: [number, number];
}

/** A box around rows of two, with some room; the same length on both sides keeps straight lines straight. */
export function limitsOf(arrays: Float32Array[]): Box {
  const low: [number, number] = [Infinity, Infinity];
  const high: [number, number] = [-Infinity, -Infinity];
  for (const values of arrays) {
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      if (!Number.isFinite(value)) continue;
      const axis = i % 2;
      low[axis] = Math.min(low[axis]!, value);
      high[axis] = Math.max(high[axis]!, value);
    }
  }
  const side = (axis: 0 | 1): [number, number] => {
    const [from, to] = [low[axis], high[axis]];
    if (!(to >= from)) return [-1, 1];
    const room = 0.06 * (to - from) || 0.5;
    return [from - room, to + room];
  };
  return { x: side(0), y: side(1) };
}

/**
 * The grid's lines, rows then columns; `grid` is (rows, columns, 2). A line is drawn for every third row and column, as
 * bent as all its points make it.
 */
export function gridPath(grid: Tensor, x: (value: number) => number, y: (value: number) => number): string {
  const [rows, columns] = grid.shape as [number, number];
  const every = columns > 40 ? 3 : 1;
  const point = (i: number, j: number): string => {
    const at = 2 * (i * columns + j);
    return `${x(grid.values[at]!).toFixed(1)} ${y(grid.values[at + 1]!).toFixed(1)}`;
  };
  let path = "";
  for (let i = 0; i < rows; i += every) for (let j = 0; j < columns; j++) path += (j === 0 ? "M" : "L") + point(i, j);
  if (rows > 1)
    for (let j = 0; j < columns; j += every) for (let i = 0; i < rows; i++) path += (i === 0 ? "M" : "L") + point(i, j);
  return path;
}

/** z of the output layer over the box, row 0 at the top; for more than one output the softmax of them, (K, side, side). */
export function outputOver(W: Float32Array, b: Float32Array, outputs: number, box: Box, side: number): Float32Array {
  const pixels = side * side;
  const out = new Float32Array(outputs * pixels);
  for (let p = 0; p < pixels; p++) {
    const u = box.x[0] + ((box.x[1] - box.x[0]) * ((p % side) + 0.5)) / side;
    const v = box.y[1] - ((box.y[1] - box.y[0]) * (Math.floor(p / side) + 0.5)) / side;
    let most = -Infinity;
    for (let k = 0; k < outputs; k++) {
      const z = W[2 * k]! * u + W[2 * k + 1]! * v + b[k]!;
      out[k * pixels + p] = z;
      most = Math.max(most, z);
    }
    if (outputs === 1) continue;
    let sum = 0;
    for (let k = 0; k < outputs; k++) sum += out[k * pixels + p] = Math.exp(out[k * pixels + p]! - most);
    for (let k = 0; k < outputs; k++) out[k * pixels + p]! /= sum;
  }
  return out;
}
