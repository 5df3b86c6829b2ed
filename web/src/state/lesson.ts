/** The parts of the page that a teacher's address can hide, with the words for the share panel. */
export const HIDEABLE = {
  data: "Data",
  inputs: "Inputs",
  layers: "Adding and removing layers and units",
  activation: "Activations",
  optimizer: "Optimizer and learning rate",
  regularization: "L1, L2 and dropout",
  settings: "All settings",
  weights: "Editing weights and biases",
  panels: "The panels below",
  draw: "Drawing points",
} as const;

export type Hideable = keyof typeof HIDEABLE;
