import type { Playground } from "../state/playground.svelte";

/** Collects the points of a stroke and sends them one command at a time, however fast the hand is. */
export class Brush {
  private adding: number[][] = [];
  private removing = false;
  private busy = false;

  constructor(private readonly playground: Playground) {}

  async add(x1: number, x2: number, y: number): Promise<void> {
    this.adding.push([Number(x1.toFixed(3)), Number(x2.toFixed(3)), y]);
    if (this.busy) return;
    this.busy = true;
    while (this.adding.length > 0) {
      const points = this.adding;
      this.adding = [];
      await this.playground.do({ do: "add_points", points });
    }
    this.busy = false;
  }

  /** The next one is taken only when the data without this one have come: the numbers of all others have changed. */
  async remove(index: number): Promise<void> {
    if (this.removing || index < 0) return;
    this.removing = true;
    await this.playground.do({ do: "remove_points", indexes: [index] });
    this.removing = false;
  }
}
