/** The curves of a run: epoch, then loss and score for training and test data; columns, as the chart wants them. */
import type { Message } from "../transport/types";

export const CURVES = ["loss_train", "loss_test", "score_train", "score_test"] as const;
export type Curve = (typeof CURVES)[number];

const MOST = 2000;

export class History {
  epochs: number[] = [];
  curves: Record<Curve, number[]> = { loss_train: [], loss_test: [], score_train: [], score_test: [] };

  /** A whole curve takes the place of the old one. */
  replace({ arrays }: Message): void {
    const column = (name: string): number[] => Array.from(arrays[name]?.values ?? []);
    this.epochs = column("epochs");
    for (const curve of CURVES) this.curves[curve] = column(curve);
  }

  /** Rows (j, 5) that a snapshot brings. A row at or before the last epoch means that the run stepped back. */
  append(rows: Float32Array): boolean {
    for (let i = 0; i + 4 < rows.length; i += 5) {
      const epoch = rows[i]!;
      while (this.epochs.length > 0 && this.epochs[this.epochs.length - 1]! >= epoch) this.drop();
      this.epochs.push(epoch);
      CURVES.forEach((curve, c) => this.curves[curve].push(rows[i + 1 + c]!));
    }
    if (this.epochs.length > MOST) this.thin();
    return rows.length >= 5;
  }

  private drop(): void {
    this.epochs.pop();
    for (const curve of CURVES) this.curves[curve].pop();
  }

  /** Keeps every second point, and the last. */
  private thin(): void {
    const last = this.epochs.length - 1;
    const keep = (_: number, i: number): boolean => i % 2 === 0 || i === last;
    for (const curve of CURVES) this.curves[curve] = this.curves[curve].filter(keep);
    this.epochs = this.epochs.filter(keep);
  }
}
