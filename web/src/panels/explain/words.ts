/** What each step means, in one or two sentences of the lectures. */
import { capital, title } from "../../lib/format";
import type { Kind, Step } from "./derivation";

export interface Facts {
  /** Activation of each layer, from 1. */
  activation: (layer: number) => string;
  outputLayer: number;
  loss: string;
  optimizer: string;
  learningRate: number;
  target: string;
}

type Say = (layer: number, facts: Facts) => string;

const SAY: Record<Kind, Say> = {
  z: (layer) =>
    `Each unit of layer ${layer} takes ${layer === 1 ? "the inputs (a⁽⁰⁾ is x)" : `the activations of layer ${layer - 1}`}, ` +
    "each times its weight, and adds its bias. The sum is its pre-activation z.",
  a: (layer, { activation, outputLayer }) =>
    activation(layer) === "identity"
      ? "The output is z as it is: the identity changes nothing."
      : `The activation function ${title(activation(layer))} makes a out of z: ` +
        (layer === outputLayer ? "that is what the network says." : "that is what the unit passes on."),
  losses: (_, { loss, target }) =>
    `The loss measures how far the output is from the target ${target}. Here it is the ${title(loss)}.`,
  penalty: () => "The penalty grows with the weights. It keeps them small; biases are left out.",
  loss: () =>
    "The objective J is what training makes small. All that follows asks: how does J change with each number?",
  dL_da: (layer, { outputLayer }) =>
    layer === outputLayer
      ? "Backward begins at the end: how J changes when the output changes a little."
      : `The deltas of layer ${layer + 1} come back through the same weights, W transposed: a unit answers for every ` +
        "unit that it feeds.",
  g: (_, __) => "The slope of the activation at this z. Where it is near 0, hardly any gradient gets through.",
  delta: (layer, { outputLayer }) =>
    layer === outputLayer
      ? "Delta is how J changes with z: what comes back, times the slope."
      : `Delta of layer ${layer}: what came back, times the slope of each unit. It is how J changes with z.`,
  dW: (layer) =>
    "A weight's gradient is the delta of the unit it leads to, times " +
    `${layer === 1 ? "the input" : "the activation"} it starts from. A weight that starts from 0 gets no gradient.`,
  db: () => "A bias is a weight that starts from a constant 1, so its gradient is the delta itself.",
  slot: (_, { optimizer }) => `${title(optimizer)} keeps this for each parameter from step to step; it begins with 0.`,
  other: () => "A step on the way: this layer, or this update, does more than the plain ones.",
  W_new: (_, { optimizer, learningRate }) =>
    `The step against the gradient: ${title(optimizer)} with learning rate ${learningRate} makes the new weights.`,
  b_new: (_, { optimizer, learningRate }) =>
    `The step against the gradient: ${title(optimizer)} with learning rate ${learningRate} makes the new biases.`,
};

export function say({ kind, layer, quantity }: Step, facts: Facts): string {
  const sentence = SAY[kind](layer, facts);
  // the exact derivation of a loss that owns its output's activation has no product any more
  const short = kind === "delta" && quantity.entries[0] && !quantity.entries[0].symbols.includes("dL_da");
  return short
    ? `${sentence} For this loss with this output the product becomes as short as the line below.`
    : sentence;
}

/** The quantity in words, with its layer. */
export function headingOf({ kind, layer, quantity }: Step, { optimizer, outputLayer }: Facts): string {
  const slot = /^(\w+?)_([Wb])\d+$/.exec(quantity.name);
  const meaning =
    kind === "slot" && slot
      ? `what ${title(optimizer)} keeps for ${slot[2] === "W" ? "the weights" : "the biases"}: ${slot[1]}`
      : quantity.meaning;
  const place = layer === 0 ? "" : layer === outputLayer ? `, layer ${layer} (output)` : `, layer ${layer}`;
  return capital(meaning) + place;
}
