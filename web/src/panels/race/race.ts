/** A race as the server tells it, and the curves to draw of it. */
import { number, percent, title } from "../../lib/format";
import type { Message, Named, RaceHeader } from "../../transport/types";

export interface Racer {
  name: string;
  optimizer: Named;
  epochs: number[];
  values: number[];
  /** The last value that is a number. */
  last: number;
  /** The tensor in which a NaN was met. */
  failed: string | undefined;
}

/** Columns of a curve: epoch, loss_train, loss_test, score_train, score_test. */
export const MEASURES = [
  { id: "loss_train", column: 1, text: "Training loss", low: true },
  { id: "loss_test", column: 2, text: "Test loss", low: true },
  { id: "score_test", column: 4, text: "Test accuracy", low: false },
] as const;
export type Measure = (typeof MEASURES)[number];

export function racersOf({ header, arrays }: Message<RaceHeader>, { column }: Measure): Racer[] {
  return header.optimizers.map((optimizer, i) => {
    const rows = arrays[`curve${i}`]?.values ?? new Float32Array();
    const count = Math.floor(rows.length / 5);
    const epochs = Array.from({ length: count }, (_, k) => rows[5 * k]!);
    const values = Array.from({ length: count }, (_, k) => rows[5 * k + column]!);
    const finite = values.filter(Number.isFinite);
    return {
      name: nameOf(optimizer),
      optimizer,
      epochs,
      values,
      last: finite.at(-1) ?? NaN,
      failed: header.failed[String(i)],
    };
  });
}

/** "Adam, 0.03": what tells racers apart, also two of one kind. */
export const nameOf = ({ name, learning_rate }: Named): string =>
  learning_rate === undefined ? title(name) : `${title(name)} ${Number(learning_rate)}`;

/** The best first; those that met a NaN last. */
export function ranking(racers: Racer[], { low }: Measure): number[] {
  const worth = ({ last, failed }: Racer): number => (failed || !Number.isFinite(last) ? Infinity : low ? last : -last);
  return racers.map((_, i) => i).sort((a, b) => worth(racers[a]!) - worth(racers[b]!));
}

export const shown = (value: number, { low }: Measure, numbers: boolean): string =>
  low || numbers ? number(value, 4) : percent(value);

export function verdict(racers: Racer[], measure: Measure, epochs: number, numbers: boolean): string {
  const [first, second] = ranking(racers, measure).map((i) => racers[i]!);
  if (!first || first.failed) return "All of them met a NaN: their learning rates are too large.";
  const head = `After ${epochs} epochs ${first.name} is first with ${shown(first.last, measure, numbers)}`;
  return second && !second.failed
    ? `${head}, before ${second.name} with ${shown(second.last, measure, numbers)}.`
    : `${head}.`;
}

/** Moves labels apart: wished heights -> heights at least `gap` apart, within the limits, in the same order. */
export function spread(wished: number[], gap: number, low: number, high: number): number[] {
  const order = wished.map((_, i) => i).sort((a, b) => wished[a]! - wished[b]!);
  const placed = order.map((i) => Math.min(high, Math.max(low, wished[i]!)));
  for (let k = 1; k < placed.length; k++) placed[k] = Math.max(placed[k]!, placed[k - 1]! + gap);
  for (let k = placed.length - 1; k >= 0; k--)
    placed[k] = Math.min(placed[k]!, k === placed.length - 1 ? high : placed[k + 1]! - gap);
  const out: number[] = [];
  order.forEach((i, k) => (out[i] = placed[k]!));
  return out;
}
