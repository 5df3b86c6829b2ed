/** What a confusion matrix and residuals say, in numbers and in a sentence. */
import { number, percent } from "../../lib/format";

export interface Confusion {
  /** counts[true][predicted]. */
  counts: number[][];
  /** Of each true class, the share that was found. */
  recall: number[];
  /** Of each predicted class, the share that was right. */
  precision: number[];
  right: number;
  total: number;
}

const ratio = (part: number, whole: number): number => (whole > 0 ? part / whole : NaN);
const sum = (numbers: number[]): number => numbers.reduce((a, b) => a + b, 0);

export function confusionOf(values: Float32Array, classes: number): Confusion {
  const counts = Array.from({ length: classes }, (_, row) => [...values.subarray(row * classes, (row + 1) * classes)]);
  const right = sum(counts.map((row, i) => row[i]!));
  return {
    counts,
    recall: counts.map((row, i) => ratio(row[i]!, sum(row))),
    precision: counts.map((_, j) => ratio(counts[j]![j]!, sum(counts.map((row) => row[j]!)))),
    right,
    total: sum(counts.map(sum)),
  };
}

/** The most frequent mistake, or none. */
export function worst({ counts }: Confusion): { from: number; to: number; count: number } | null {
  let found: { from: number; to: number; count: number } | null = null;
  counts.forEach((row, from) =>
    row.forEach((count, to) => {
      if (from !== to && count > (found?.count ?? 0)) found = { from, to, count };
    }),
  );
  return found;
}

export function sentence(confusion: Confusion, names: string[]): string {
  const { right, total, counts } = confusion;
  const head = `${right} of ${total} test examples are right: ${percent(ratio(right, total))}.`;
  const most = worst(confusion);
  if (most === null) return total > 0 ? `All ${total} test examples are right.` : "There is no test data.";
  const equals = counts.flatMap((row, from) => row.filter((count, to) => from !== to && count === most.count)).length;
  if (equals > 1) return `${head} No mistake stands out.`;
  const times = `${most.count} of ${sum(counts[most.from]!)}`;
  return `${head} The most frequent mistake: ${names[most.from]} taken for ${names[most.to]}, ${times} times.`;
}

export interface Fit {
  rmse: number;
  mae: number;
  r2: number;
}

/** Rows of predicted, true. */
export function fitOf(pairs: Float32Array): Fit {
  const n = pairs.length / 2;
  let squares = 0;
  let sizes = 0;
  let mean = 0;
  for (let i = 0; i < n; i++) mean += pairs[2 * i + 1]! / n;
  let variance = 0;
  for (let i = 0; i < n; i++) {
    const error = pairs[2 * i]! - pairs[2 * i + 1]!;
    squares += error * error;
    sizes += Math.abs(error);
    variance += (pairs[2 * i + 1]! - mean) ** 2;
  }
  return { rmse: Math.sqrt(squares / n), mae: sizes / n, r2: variance > 0 ? 1 - squares / variance : NaN };
}

export const fitSentence = ({ rmse, mae, r2 }: Fit): string =>
  `A test prediction is off by ${number(mae)} on average (root mean square ${number(rmse)}); R² is ${number(r2)}.`;
