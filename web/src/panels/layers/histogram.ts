/** Histograms as the server counts them: equal bins between a lowest and a highest edge. */
export interface Counts {
  low: number;
  high: number;
  counts: Float32Array;
}

export interface Summary {
  mean: number;
  /** Standard deviation, as the bins have it. */
  spread: number;
  total: number;
}

/** One per layer: activations, then gradients. */
export function histogramsOf(counts: Float32Array, edges: Float32Array, bins: number): [Counts, Counts][] {
  const pick = (at: number): Counts => ({
    low: edges[2 * at]!,
    high: edges[2 * at + 1]!,
    counts: counts.subarray(at * bins, (at + 1) * bins),
  });
  return Array.from({ length: Math.floor(edges.length / 4) }, (_, layer) => [pick(2 * layer), pick(2 * layer + 1)]);
}

export function summary({ low, high, counts }: Counts): Summary {
  const width = (high - low) / counts.length;
  let total = 0;
  let sum = 0;
  let squares = 0;
  counts.forEach((count, i) => {
    const middle = low + (i + 0.5) * width;
    total += count;
    sum += count * middle;
    squares += count * middle * middle;
  });
  const mean = total ? sum / total : NaN;
  return { mean, spread: total ? Math.sqrt(Math.max(0, squares / total - mean * mean)) : NaN, total };
}

/** The share of values between two limits; a bin that they cut counts by its part. */
export function shareBetween({ low, high, counts }: Counts, from: number, to: number): number {
  const width = (high - low) / counts.length;
  let inside = 0;
  let total = 0;
  counts.forEach((count, i) => {
    const left = low + i * width;
    total += count;
    inside += (count * Math.max(0, Math.min(to, left + width) - Math.max(from, left))) / width;
  });
  return total ? inside / total : 0;
}

/** Where a bounded activation is flat: within a twentieth of its range from either end. */
const FLAT: Record<string, [number, number]> = {
  tanh: [-1, 1],
  sigmoid: [0, 1],
  softsign: [-1, 1],
  hard_sigmoid: [0, 1],
  hard_tanh: [-1, 1],
};

/** What stands out in a layer's activations, in the words of the lectures; null when nothing does. */
export function remark(activation: string, histogram: Counts): string | null {
  const range = FLAT[activation];
  if (range) {
    const [low, high] = range;
    const edge = 0.05 * (high - low);
    const ends = shareBetween(histogram, low - 1, low + edge) + shareBetween(histogram, high - edge, high + 1);
    return ends >= 0.5 ? `${Math.round(100 * ends)} % lie at the flat ends, where the slope is small` : null;
  }
  if (activation === "relu") {
    const width = (histogram.high - histogram.low) / histogram.counts.length;
    // the lowest bin holds the zeros; an even spread would give it one part in twenty
    const zeros =
      histogram.low >= 0 && histogram.low < width ? shareBetween(histogram, histogram.low, histogram.low + width) : 0;
    return zeros >= 0.75 ? `${Math.round(100 * zeros)} % are at or near 0: most units are off for most examples` : null;
  }
  return null;
}
