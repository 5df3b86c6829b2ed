/** What one unit answers over the plane, as numbers to paint: an input's come with the data, all others with the snapshot. */
import type { Playground } from "../state/playground.svelte";
import type { Unit } from "../state/theta";
import { layerOf, type Scale } from "./heatmap";
import { outputScale } from "./scale";

export interface Picture {
  values: Float32Array;
  scale: Scale;
}

/** Symmetric about zero, so that a neutral colour is always a zero. */
export const aboutZero = (low: number, high: number): Scale => {
  const size = Math.max(Math.abs(low), Math.abs(high), 1e-9);
  return { low: -size, high: size };
};

/** NaN marks a hole and counts for nothing. */
function extremes(values: Float32Array): Scale {
  let [low, high] = [0, 0];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return aboutZero(low, high);
}

/** `fine`: as fine as the surface, where the server sends the unit so. */
export function pictureOf({ layer, unit }: Unit, playground: Playground, fine = false): Picture | null {
  const { data, depth, facts, snapshot } = playground;
  if (!data || !facts || !snapshot) return null;
  const { inputs } = data.arrays;
  const { surface, units, unit: finest } = snapshot.arrays;
  if (layer === 0) {
    if (!inputs || unit >= inputs.shape[0]!) return null;
    const values = layerOf(inputs, unit);
    return { values, scale: extremes(values) };
  }
  if (layer === depth) return surface ? { values: surface.values, scale: outputScale(playground) } : null;
  const index = facts.setup.layers.slice(0, layer - 1).reduce((sum, { units: n }) => sum + n, 0) + unit;
  if (!units || index >= units.shape[0]!) return null;
  const range = snapshot.header.unit_ranges?.[index];
  const values = fine && finest && snapshot.header.unit === `${layer}.${unit}` ? finest.values : layerOf(units, index);
  return { values, scale: range ? aboutZero(...range) : extremes(values) };
}
