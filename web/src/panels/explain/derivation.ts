/** A derivation as the server writes it (`network.explain(…).document()`), and the walk through it. */
import { biasKey, mark, unitKey, weightKey, type Mark, type Way } from "../../state/highlight.svelte";

/** One number: where it stands, how it comes about in symbols and in numbers, what it is. */
export interface Line {
  label: string;
  /** From 1, as the lectures count. */
  index: number[];
  symbols: string;
  numbers: string;
  latex: string;
  symbols_latex: string;
  numbers_latex: string;
  value: number;
}

type Values = number | null | Values[];

/** One quantity, such as z1, with the lines of its entries. */
export interface Quantity {
  name: string;
  /** "forward", "loss", "backward" or "update". */
  part: string;
  meaning: string;
  formula: string;
  shape: number[];
  values: Values;
  entries: Line[];
}

export interface Derivation {
  title: string;
  conventions: string[];
  lines: Quantity[];
  loss_after: number | null;
}

export const PHASES = ["Forward", "Loss", "Backward", "Update"] as const;
export type Phase = (typeof PHASES)[number];

const WAYS: Record<Phase, Way> = { Forward: "forward", Loss: "forward", Backward: "backward", Update: "update" };

export interface Step {
  quantity: Quantity;
  kind: Kind;
  phase: Phase;
  /** 0 where the quantity belongs to no layer. */
  layer: number;
  /** Its symbol, and the layer above it: "z" and "1". */
  symbol: string;
}

/** The kinds of quantity; "slot" is what an optimizer keeps, "other" what stands between the usual ones. */
export type Kind =
  | "z"
  | "a"
  | "losses"
  | "penalty"
  | "loss"
  | "dL_da"
  | "g"
  | "delta"
  | "dW"
  | "db"
  | "slot"
  | "W_new"
  | "b_new"
  | "other";

interface Pattern {
  pattern: RegExp;
  kind: Kind;
  phase: Phase;
  symbol: (found: RegExpExecArray) => string;
}

const PATTERNS: Pattern[] = [
  { pattern: /^z(\d+)$/, kind: "z", phase: "Forward", symbol: () => "z" },
  { pattern: /^a(\d+)$/, kind: "a", phase: "Forward", symbol: () => "a" },
  { pattern: /^losses$/, kind: "losses", phase: "Loss", symbol: () => "L" },
  { pattern: /^penalty$/, kind: "penalty", phase: "Loss", symbol: () => "R" },
  { pattern: /^loss$/, kind: "loss", phase: "Loss", symbol: () => "J" },
  { pattern: /^dL_da(\d+)$/, kind: "dL_da", phase: "Backward", symbol: () => "∂a" },
  { pattern: /^g(\d+)$/, kind: "g", phase: "Backward", symbol: () => "g′" },
  { pattern: /^delta(\d+)$/, kind: "delta", phase: "Backward", symbol: () => "δ" },
  { pattern: /^dW(\d+)$/, kind: "dW", phase: "Backward", symbol: () => "∂W" },
  { pattern: /^db(\d+)$/, kind: "db", phase: "Backward", symbol: () => "∂b" },
  { pattern: /^W(\d+)_new$/, kind: "W_new", phase: "Update", symbol: () => "W" },
  { pattern: /^b(\d+)_new$/, kind: "b_new", phase: "Update", symbol: () => "b" },
  {
    pattern: /^\w+_[Wb](\d+)$/,
    kind: "slot",
    phase: "Update",
    symbol: ([name]) => name!.replace(/\d+$/, "").replace("_", "·"),
  },
];

export function walk(derivation: Derivation): Step[] {
  return derivation.lines.map((quantity) => {
    for (const { pattern, kind, phase, symbol } of PATTERNS) {
      const found = pattern.exec(quantity.name);
      if (found) return { quantity, kind, phase, layer: Number(found[1] ?? 0), symbol: symbol(found) };
    }
    // what stands between: normalization, drawn slopes, clipping
    const phase = PHASES.find((each) => each.toLowerCase() === quantity.part) ?? "Update";
    return {
      quantity,
      kind: "other",
      phase,
      layer: Number(/\d+/.exec(quantity.name)?.[0] ?? 0),
      symbol: quantity.name,
    };
  });
}

/** All values of a quantity in a row, as its entries are ordered; a number that is no number comes as null. */
export function flatValues(values: Values): number[] {
  return Array.isArray(values) ? values.flatMap(flatValues) : [values ?? NaN];
}

const LABEL = /([A-Za-z]\w*?)(\d*)(_new)?\[([\d,]+)\]/g;
const UNITS = new Set(["x", "z", "a", "g", "delta", "dL_da"]);

/** Where the numbers that a text such as "W1[2,1] · x[1] + b1[2]" names stand in the network. */
export function places(text: string): string[] {
  const keys: string[] = [];
  for (const [, name, layer, , index] of text.matchAll(LABEL)) {
    const at = Number(layer || 0);
    const [i, j] = index!.split(",").map((place) => Number(place) - 1) as [number, number | undefined];
    if (UNITS.has(name!)) keys.push(unitKey(at, i));
    else if (/W$/.test(name!) && j !== undefined) keys.push(weightKey(at, i, j));
    else if (/b$/.test(name!)) keys.push(biasKey(at, i));
  }
  return keys;
}

/** What the network shows while a line is read: where its number stands, and the numbers it is computed from. */
export function markOf(step: Step, line: Line | undefined, outputLayer: number, shown: string): Mark {
  if (line === undefined) return mark(WAYS[step.phase], []);
  const targets = places(line.label);
  const outputs = step.phase === "Loss" && targets.length === 0 ? [unitKey(outputLayer, 0)] : targets;
  const sources = places(line.symbols);
  const ends = outputs.filter((key) => key.startsWith("w")).flatMap(endsOf);
  const noted: [string, string][] = outputs.map((key) => [key, shown]);
  return mark(WAYS[step.phase], outputs, [...sources, ...ends], noted);
}

/** The units at the two ends of a weight. */
function endsOf(key: string): string[] {
  const [layer, to, from] = key.slice(1).split(".").map(Number) as [number, number, number];
  return [unitKey(layer - 1, from), unitKey(layer, to)];
}

/**
 * The entry to look at after a step: the same unit where there is one (z of unit 3, then a of unit 3, then the weights
 * that lead to it), else the first.
 */
export function follow(from: Line | undefined, to: Quantity): number {
  if (from === undefined || from.index.length === 0) return 0;
  const same = to.entries.findIndex(({ index }) => index.join() === from.index.join());
  if (same >= 0) return same;
  const sameUnit = to.entries.findIndex(({ index }) => index[0] === from.index[0]);
  return Math.max(0, sameUnit);
}
