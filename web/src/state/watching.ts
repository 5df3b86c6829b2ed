import type { Command } from "../transport/types";

export const SURFACE_SIDE = 60;
/** Shown at all times: the surface, the units' pictures, and which of them are dead. */
const ALWAYS = ["surface", "units", "flow"];

/** What snapshots carry: what is always shown, what an open panel needs, and one unit as fine as the surface. */
export class Watching {
  private panel: string[] = [];
  private looked: string | null = null;

  constructor(private readonly send: (command: Command) => Promise<unknown>) {}

  /** While a panel is open; without one, again what was asked for before, to a server that has just been joined. */
  async watch(panel: string[] = this.panel): Promise<void> {
    this.panel = panel;
    const what = [...new Set([...ALWAYS, ...panel])];
    await this.send({ do: "watch", what, size: SURFACE_SIDE, unit: this.looked });
  }

  /** One unit, "2.3", to be sent as fine as the surface; null for none. */
  async look(unit: string | null): Promise<void> {
    if (unit === this.looked) return;
    this.looked = unit;
    await this.send({ do: "watch", unit });
  }
}
