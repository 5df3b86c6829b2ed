/**
 * What is pointed at in the network: a panel sets a mark, the network shows it. The target is what is computed (or
 * spoken of), its sources are what it is computed from; everything else may step back while a mark is set.
 *
 * Keys count from 0: a unit is "u1.2" (layer 0 = the inputs, layer L = the output), a weight "w1.2.0" (W1, to unit 2,
 * from input 0), a bias "b1.2".
 */
export type Role = "target" | "source";
export type Way = "forward" | "backward" | "update" | "look";

export interface Mark {
  roles: ReadonlyMap<string, Role>;
  /** Which way the numbers go. "look" is for a unit that is only spoken of. */
  way: Way;
  /** Numbers or words to write beside a unit. */
  notes: ReadonlyMap<string, string>;
}

export const unitKey = (layer: number, unit: number): string => `u${layer}.${unit}`;
export const weightKey = (layer: number, to: number, from: number): string => `w${layer}.${to}.${from}`;
export const biasKey = (layer: number, unit: number): string => `b${layer}.${unit}`;

export function mark(way: Way, targets: string[], sources: string[] = [], notes: [string, string][] = []): Mark {
  const roles = new Map<string, Role>(sources.map((key) => [key, "source"]));
  for (const key of targets) roles.set(key, "target");
  return { roles, way, notes: new Map(notes) };
}

export class Highlight {
  current = $state.raw<Mark | null>(null);

  role(key: string): Role | null {
    return this.current?.roles.get(key) ?? null;
  }

  note(key: string): string | null {
    return this.current?.notes.get(key) ?? null;
  }
}
