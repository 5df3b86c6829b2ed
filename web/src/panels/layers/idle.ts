/** Units that learn nothing, and why, in the words of the lectures. */
import { lowered, number, raised, scientific, title } from "../../lib/format";
import { unitKey, weightKey, type Mark, mark } from "../../state/highlight.svelte";
import type { Found } from "../../transport/types";

export interface Idle {
  layer: number;
  unit: number;
  kind: "dead" | "saturated";
  activation: string;
  low: number | undefined;
  high: number | undefined;
}

export const kindOf = (why: string): Idle["kind"] => (why.startsWith("dead") ? "dead" : "saturated");

export const idleOf = ([layer, unit, why, low, high]: Found, activation: string): Idle => ({
  layer,
  unit,
  kind: kindOf(why),
  activation,
  low,
  high,
});

/** "2 dead units", in few words: a dead unit is worse than a saturated one. */
export function idleNews(found: Found[]): string | null {
  const dead = found.filter(([, , why]) => kindOf(why) === "dead").length;
  const [count, kind] = dead > 0 ? [dead, "dead"] : [found.length, "saturated"];
  return count === 0 ? null : `${count} ${kind} ${count === 1 ? "unit" : "units"}`;
}

export const nameOf = ({ layer, unit }: Pick<Idle, "layer" | "unit">): string => `Unit ${unit + 1} of layer ${layer}`;

export interface Reason {
  heading: string;
  /** What leads to what, first the cause. */
  chain: string[];
  remedy: string;
  /** Another bias alone would wake it. */
  byBias: boolean;
}

/** `bias` is the unit's own: the first thing to look at. */
export function reasonOf(idle: Idle, bias: number): Reason {
  const { kind, activation, low, high, layer, unit } = idle;
  const g = title(activation);
  const z = `z⁽${raised(layer)}⁾${lowered(unit + 1)}`;
  const range =
    low === undefined || high === undefined
      ? ""
      : ` (from ${number(low, 2)} to ${number(high, 2)}; its bias is ${number(bias, 2)})`;
  const byBias = kind === "dead" && activation === "relu" && bias < 0 && high !== undefined && high - bias > 0.01;
  const backward = "Backward, delta is what comes from the layer above times this slope";
  if (kind === "dead") {
    return {
      heading: `${nameOf(idle)} is dead.`,
      chain: [
        `Forward, its pre-activation ${z} is ${activation === "relu" ? "below 0" : `where ${g} is flat`} for every training example${range}.`,
        `${g} is flat there: its activation is ${activation === "relu" ? "0" : "the same"} for all of them, and its slope g′(z) is 0.`,
        `${backward}: 0. So the gradient of its weights and its bias is 0: none of its own updates can wake it.`,
      ],
      byBias,
      remedy: byBias
        ? `It is the bias: without it ${z} would reach ${number(high! - bias, 2)}. With a bias of 0 the unit answers and learns ` +
          "again; a smaller learning rate keeps an update from throwing it back."
        : "It was thrown there by too large an update or unlucky initial weights. A smaller learning rate with new weights avoids it; " +
          "leaky ReLU keeps a slope below 0, so the unit can come back.",
    };
  }
  const side =
    low !== undefined && high !== undefined && low * high > 0
      ? low > 0
        ? "far above 0"
        : "far below 0"
      : "far from 0";
  return {
    heading: `${nameOf(idle)} is saturated.`,
    chain: [
      `Forward, its pre-activation ${z} lies ${side} for every training example${range}.`,
      `${g} is nearly flat there: its slope g′(z) is at most a hundredth of what it is at 0.`,
      `${backward}, so hardly any gradient reaches its weights: it learns very slowly.`,
    ],
    byBias: false,
    remedy: "Weights or bias have grown too large. A smaller learning rate, L2, or batch normalization keeps z near 0.",
  };
}

/** The unit with all that leads to it. */
export function spotlight(layer: number, unit: number, inputs: number): Mark {
  const into = Array.from({ length: inputs }, (_, from) => weightKey(layer, unit, from));
  const below = Array.from({ length: inputs }, (_, from) => unitKey(layer - 1, from));
  return mark("look", [unitKey(layer, unit)], [...into, ...below]);
}

/** What the gradient does on its way back, from the norms of dW, first layer first. */
export function flowRemark(norms: number[]): { text: string; bad: boolean } | null {
  const [first, last] = [norms[0], norms.at(-1)];
  if (norms.length < 2 || first === undefined || last === undefined || !Number.isFinite(first + last)) return null;
  if (first === 0 && last > 0) return { text: "No gradient at all reaches layer 1.", bad: true };
  if (first === 0 || last === 0) return null;
  const factor = last / first;
  const times = (by: number): string =>
    by >= 1e4 ? scientific(by, 1) : by >= 10 ? String(Math.round(by)) : number(by, 1);
  if (factor >= 20)
    return {
      text: `On its way back the gradient shrinks ${times(factor)}-fold: it vanishes, and layer 1 hardly learns.`,
      bad: true,
    };
  if (factor <= 1 / 20)
    return {
      text: `On its way back the gradient grows ${times(1 / factor)}-fold: it explodes; clipping its norm helps.`,
      bad: true,
    };
  return {
    text: `In layer 1 the gradient is ${times(1 / factor)} times as large as at the output: it gets through.`,
    bad: false,
  };
}
