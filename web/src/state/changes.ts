import type { PartialSetup } from "../transport/types";
import { merge } from "./merge";

/**
 * Sends partial setups one at a time: what a dragged slider asks for while the server is busy is merged into one
 * change, so the server never falls behind and the last value always arrives.
 */
export class Changes {
  private pending: PartialSetup | null = null;
  private busy = false;

  constructor(
    private readonly apply: (partial: PartialSetup) => Promise<unknown>,
    private readonly failed: (error: Error, partial: PartialSetup) => void,
  ) {}

  get waiting(): PartialSetup | null {
    return this.pending;
  }

  async push(partial: PartialSetup): Promise<void> {
    this.pending = this.pending === null ? partial : merge(this.pending, partial);
    if (this.busy) return;
    this.busy = true;
    while (this.pending !== null) {
      const next: PartialSetup = this.pending;
      this.pending = null;
      try {
        await this.apply(next);
      } catch (error) {
        this.failed(error as Error, next);
      }
    }
    this.busy = false;
  }
}
