/** Names for the numbers in theta: tensor, place, value. W is (out, in), row by row, as the lectures write it. */
import type { TensorInfo } from "../transport/types";

export interface Placed extends TensorInfo {
  offset: number;
  size: number;
}

export function place(tensors: TensorInfo[]): Map<string, Placed> {
  const out = new Map<string, Placed>();
  let offset = 0;
  for (const tensor of tensors) {
    const size = tensor.shape.reduce((product, side) => product * side, 1);
    out.set(tensor.name, { ...tensor, offset, size });
    offset += size;
  }
  return out;
}

export function flat(tensor: Placed, index: number[]): number {
  return tensor.offset + index.reduce((sum, i, axis) => sum * tensor.shape[axis]! + i, 0);
}

export interface Unit {
  /** 1 … L; the output layer is L. */
  layer: number;
  /** From 0. */
  unit: number;
}

export const weightName = (layer: number): string => `W${layer}`;
/** With batch normalization a layer has no b: its shift beta does what a bias does. */
export const biasName = (layer: number, tensors: ReadonlyMap<string, Placed>): string =>
  tensors.has(`b${layer}`) ? `b${layer}` : `beta${layer}`;
