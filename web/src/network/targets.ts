/** What can be opened in the network, by the lectures' names: a unit, a weight or a bias, with its numbers to edit. */
import { capital, title } from "../lib/format";
import type { Playground } from "../state/playground.svelte";
import { biasName, weightName, type Unit } from "../state/theta";
import type { Edge } from "./layout";

export interface Item {
  label: string;
  tensor: string;
  index: number[];
}

export interface Target {
  title: string;
  note: string;
  items: Item[];
  /** A unit shows its own surface too. */
  unit?: Unit;
}

export function nameOf({ layer, unit }: Unit, playground: Playground): string {
  if (layer === 0) return playground.inputName(unit);
  if (layer < playground.depth) return `unit ${unit + 1} of layer ${layer}`;
  return playground.outputs === 1 ? "output" : `output ${playground.classes[unit] ?? unit + 1}`;
}

export const biasOf = (layer: number, playground: Playground): string => biasName(layer, playground.tensors);

const isShift = (tensor: string): boolean => tensor.startsWith("beta");

/** All that leads into a unit: its bias first, which is looked for most, for the weights may be many. */
export function unitTarget(at: Unit, inputs: number, playground: Playground): Target {
  const tensor = biasOf(at.layer, playground);
  const weights = Array.from({ length: inputs }, (_, from): Item => ({
    label: `from ${at.layer === 1 ? playground.inputName(from) : `unit ${from + 1}`}`,
    tensor: weightName(at.layer),
    index: [at.unit, from],
  }));
  return {
    title: capital(nameOf(at, playground)),
    note: `${title(playground.activation(at.layer))} of the weighted sum`,
    unit: at,
    items: [{ label: isShift(tensor) ? "shift beta" : "bias", tensor, index: [at.unit] }, ...weights],
  };
}

export function biasTarget(at: Unit, playground: Playground): Target {
  const tensor = biasOf(at.layer, playground);
  const label = `${tensor}[${at.unit + 1}]`;
  return {
    title: `${isShift(tensor) ? "Shift" : "Bias"} ${label}`,
    note: `of ${nameOf(at, playground)}`,
    items: [{ label, tensor, index: [at.unit] }],
  };
}

export const weightLabel = ({ layer, from, to }: Edge): string => `${weightName(layer)}[${to + 1},${from + 1}]`;

export function weightTarget(edge: Edge, playground: Playground): Target {
  const { layer, from, to } = edge;
  const [source, goal] = [
    nameOf({ layer: layer - 1, unit: from }, playground),
    nameOf({ layer, unit: to }, playground),
  ];
  return {
    title: `Weight ${weightLabel(edge)}`,
    note: `from ${source} to ${goal}`,
    items: [{ label: weightLabel(edge), tensor: weightName(layer), index: [to, from] }],
  };
}
