/** What each control does, in one sentence of the lectures' language. The whole page's tooltips are here. */
export const TIPS = {
  play: "Trains until you pause: one batch after the other goes forward, its error backward, and the weights are updated.",
  step: "Trains by one example, one batch or one epoch, as chosen beside it.",
  back: "Takes the last step back: weights, optimizer and curves are again as they were, to the bit.",
  unit: "An epoch is one pass over all training data, a batch is one update, an example is one row of a batch.",
  speed: "How fast it plays: slow to watch single epochs, full speed to train as fast as this computer can.",
  reset: "Back to epoch 0 with the same initial weights.",
  newWeights: "Draws new initial weights with the next seed; training starts again.",
  undo: "Takes back the last change or edit.",
  epoch: "Passes over the whole training data so far.",
  theme: "Light or dark page.",
  help: "Keys and a short guide.",

  learningRate:
    "Eta: how far each update moves the weights against the gradient; too large and the loss jumps, too small and nothing happens.",
  optimizer: "The rule that turns gradients into updates.",
  schedule: "Changes the learning rate in the course of the training.",
  batchSize: "How many examples share one update: few give noisy, frequent steps, many give smooth, rare ones.",
  l1: "Adds lambda times the sum of |w| to the loss: small weights become exactly zero.",
  l2: "Adds lambda/2 times the sum of w² to the loss: all weights stay small. Biases are left alone.",
  loss: "What training makes small: how wrong a prediction is, as one number.",
  initializer: "How the first weights are drawn; it decides whether signals and gradients survive many layers.",
  seed: "The same seed draws the same weights and the same order of examples.",
  more: "The optimizer's own numbers, clipping, output activation, and when to stop.",
  clipNorm: "A gradient longer than this is shortened to it: a remedy for exploding gradients.",
  outputActivation: "What the last layer applies: sigmoid for two classes, softmax for more, identity for numbers.",
  stopEpoch: "Training pauses at this epoch.",
  stopLoss: "Training pauses when the training loss is at or below this.",

  noise: "How much the points stray from their true pattern.",
  size: "How many examples there are, training and test together.",
  trainShare: "The share of the examples that the network learns from; the rest only tests it.",
  dataSeed: "Draws other points of the same pattern.",
  table: "A table of rows and columns: built-in ones, and those you have opened.",
  upload: "A CSV file of yours: it is read by the Python process on this computer and goes nowhere else.",
  draw: "Put points on the surface with mouse, finger or keys, and take them away.",
  eraser: "Takes away the points you touch.",
  expression: "The function y = f(x) that the network is to learn.",
  ownInput: "An input of your own, such as x1^2 + x2^2 or cos(3*x1).",
  target: "The column to predict.",
  features: "The columns to predict it from.",
  axes: "Which two numbers the surface shows; the other features stay at their mean, or PCA turns the data first.",

  addLayer: "Adds a hidden layer of four units before the output.",
  removeLayer: "Takes this layer out; the units that stay keep their weights.",
  addUnit: "Adds a unit to this layer.",
  removeUnit: "Takes the last unit of this layer out.",
  activation: "The function each unit of this layer applies to its weighted sum z.",
  dropout: "In training each unit of this layer is left out with this probability, so that none is relied upon alone.",
  batchNorm: "Shifts and scales each unit's z to mean 0 and variance 1 over the batch, before the activation.",
  layerMore: "Dropout and batch normalization of this layer.",

  showTest: "Also shows the test examples, as rings.",
  discrete: "Shows the decision only, not how sure it is.",
  scoreClasses: "Accuracy: the share of examples whose class is predicted correctly.",
  scoreNumbers: "R²: the share of the target's variance that the prediction explains; 1 is perfect, 0 is the mean's.",
} as const;

export type Tip = keyof typeof TIPS;

export const DATA_TITLES: Record<string, string> = {
  circle: "Circle",
  xor: "XOR",
  gauss: "Gauss",
  spiral: "Spiral",
  moons: "Moons",
  plane: "Plane",
  multi_gauss: "Multi-Gauss",
  function: "f(x)",
  points: "Your points",
  table: "Your table",
};

/** Keys that work wherever no text is being typed: for the handler and for the help page. */
export const KEYS: [string, string][] = [
  ["Space", "play or pause"],
  ["→", "step"],
  ["←", "step back"],
  ["R", "reset to the same initial weights"],
  ["N", "new weights"],
  ["U", "undo the last change"],
  ["E", "step by example, batch or epoch in turn"],
  ["D", "draw points on the surface, or stop drawing"],
  ["T", "test examples on or off"],
  ["?", "this help"],
  ["Esc", "close what is open"],
];

export const DRAW_KEYS: [string, string][] = [
  ["Arrows", "move the cross, with Shift in large steps"],
  ["Enter", "put a point"],
  ["Delete", "take the nearest point away"],
  ["1 … 8", "choose the class"],
];

export const NETWORK_KEYS: [string, string][] = [
  ["Arrows", "from unit to unit"],
  ["Enter", "open a unit: its weights and its bias as numbers"],
];
