/**
 * A transport that plays a server, for tests and for looking at the page without Python (`npm run fake`). It knows
 * tanh layers with a sigmoid, and its "training" only moves the numbers about; nothing of it is in the built page.
 */
import { decodeFrame, encodeFrame } from "./frames";
import type { Connection, Transport } from "./transport";
import { Refused, type Command, type Message, type Setup, type TableInfo, type Tensor } from "./types";
import { merge } from "../state/merge";

const record = (name: string, parameters: [string, unknown][] = []) => ({
  name,
  about: `The ${name} of the tests.`,
  latex: "a = z",
  parameters: parameters.map(([key, value]) => ({ name: key, default: value })),
});

export const DEFAULT_SETUP: Setup = {
  data: { kind: "circle", noise: 0.1, size: 500, train_share: 0.7, seed: 0 },
  inputs: ["x1", "x2"],
  layers: [
    { units: 8, activation: "tanh", batch_norm: false, dropout: 0 },
    { units: 8, activation: "tanh", batch_norm: false, dropout: 0 },
  ],
  output_activation: "auto",
  loss: "auto",
  l1: 0,
  l2: 0,
  optimizer: { name: "adam", learning_rate: 0.03 },
  schedule: null,
  batch_size: 32,
  clip_norm: null,
  initializer: "auto",
  seed: 0,
  stop: { epoch: null, loss: null },
};

const HELLO = {
  type: "hello",
  version: "0.0",
  session: "fake",
  registries: {
    activations: ["identity", "sigmoid", "tanh", "relu", "leaky_relu"].map((name) => record(name)),
    losses: ["squared_error", "binary_cross_entropy", "cross_entropy"].map((name) => record(name)),
    optimizers: [
      record("sgd", [["learning_rate", 0.1]]),
      record("adam", [
        ["learning_rate", 0.001],
        ["beta1", 0.9],
        ["beta2", 0.999],
        ["epsilon", 1e-8],
      ]),
    ],
    initializers: ["zeros", "glorot_uniform", "he_normal"].map((name) => record(name)),
    schedules: [
      record("step", [
        ["factor", 0.5],
        ["every", 100],
      ]),
    ],
  },
  data_kinds: ["circle", "xor", "gauss", "spiral", "moons", "plane", "multi_gauss"].map((name) => ({
    name,
    title: name,
    task: name === "plane" || name === "multi_gauss" ? "numbers" : "binary",
    options: ["noise", "size"],
  })),
  limits: { layers: 8, units: 128 },
  default_setup: DEFAULT_SETUP,
};

const LOW = -6;
const HIGH = 6;

export class FakeTransport implements Transport {
  setup: Setup = structuredClone(DEFAULT_SETUP);
  sent: Command[] = [];
  /** What a command is answered with, by its name: the header of its reply. */
  replies: Record<string, Record<string, unknown>> = {};
  private theta: Float32Array = new Float32Array();
  private epoch = 0;
  private timer: ReturnType<typeof setInterval> | undefined;
  private receive: (message: Message) => void = () => {};
  private tell: (state: Connection) => void = () => {};
  private seed = 1;

  constructor(private readonly refuse: (command: Command) => Refused | null = () => null) {}

  listen(receive: (message: Message) => void): void {
    this.receive = receive;
  }

  watchConnection(tell: (state: Connection) => void): void {
    this.tell = tell;
  }

  open(): void {
    this.tell("open");
  }

  close(): void {
    clearInterval(this.timer);
    this.tell("lost");
  }

  async send(command: Command): Promise<Message | null> {
    this.sent.push(command);
    const refused = this.refuse(command);
    if (refused) throw refused;
    this.answer(command);
    const reply = this.replies[command.do];
    return reply ? decodeFrame(encodeFrame(reply)) : null;
  }

  upload(): Promise<TableInfo> {
    const columns = ["a", "b", "kind"].map((name) => ({ name, kind: name === "kind" ? "category" : "number" }));
    return Promise.resolve({ table: "t1", rows: 150, columns });
  }

  importModel(): Promise<unknown> {
    return Promise.resolve({});
  }

  exportAddress(session: string, kind: string): string {
    return `export/${kind}?session=${session}`;
  }

  /** Sends a message as a server's frame, so that tests go through the decoder. */
  push(header: Record<string, unknown>, arrays: Record<string, Tensor> = {}): void {
    this.receive(decodeFrame(encodeFrame(header, arrays)));
  }

  private answer(command: Command): void {
    switch (command.do) {
      case "hello":
        this.push(HELLO);
        this.setup = merge(this.setup, command.setup ?? {});
        this.pushAll();
        break;
      case "change":
        this.setup = merge(this.setup, command.setup);
        this.pushAll();
        break;
      case "play":
        this.timer = setInterval(() => this.train(0.37), 33);
        this.pushSnapshot();
        break;
      case "pause":
        clearInterval(this.timer);
        this.timer = undefined;
        this.pushSnapshot();
        break;
      case "step":
        this.train(command.back ? -1 : 1);
        break;
      case "edit": {
        const at = this.tensors().findIndex(({ name }) => name === command.tensor);
        const before = this.tensors()
          .slice(0, at)
          .reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b), 0);
        const index = command.index as number[];
        const columns = this.tensors()[at]!.shape[1] ?? 1;
        this.theta[before + (index.length === 2 ? index[0]! * columns + index[1]! : index[0]!)] =
          command.value as number;
        this.pushSnapshot();
        break;
      }
      case "reset":
      case "new_weights":
        this.epoch = 0;
        this.pushAll();
    }
  }

  private random(): number {
    this.seed = (this.seed * 16807) % 2147483647;
    return (this.seed / 2147483647) * 2 - 1;
  }

  private widths(): number[] {
    return [this.setup.inputs.length, ...this.setup.layers.map(({ units }) => units), 1];
  }

  private tensors(): { name: string; shape: number[]; frozen: boolean }[] {
    const widths = this.widths();
    return widths.slice(1).flatMap((units, i) => [
      { name: `W${i + 1}`, shape: [units, widths[i]!], frozen: false },
      { name: `b${i + 1}`, shape: [units], frozen: false },
    ]);
  }

  private pushAll(): void {
    const tensors = this.tensors();
    const size = tensors.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b), 0);
    this.theta = Float32Array.from({ length: size }, () => 1.4 * this.random());
    const { inputs } = this.setup;
    this.push({
      type: "setup",
      setup: this.setup,
      tensors,
      inputs,
      classes: ["0", "1"],
      task: "binary",
      engine: "fake",
      output: { activation: "sigmoid", loss: "binary_cross_entropy" },
      can_undo: null,
      table: null,
    });
    this.pushData();
    this.push({ type: "history", from: 0 });
    this.pushSnapshot();
  }

  private pushData(): void {
    const cloud = (n: number): [Tensor, Tensor] => {
      const points = new Float32Array(2 * n);
      const y = new Float32Array(n);
      for (let i = 0; i < n; i++) {
        const r = i % 2 ? 2.5 * Math.abs(this.random()) : 3.5 + 1.5 * Math.abs(this.random());
        const t = Math.PI * this.random();
        points.set([r * Math.sin(t), r * Math.cos(t)], 2 * i);
        y[i] = i % 2;
      }
      return [
        { shape: [n, 2], values: points },
        { shape: [n], values: y },
      ];
    };
    const [train, train_y] = cloud(350);
    const [test, test_y] = cloud(150);
    const axes = ["x1", "x2"].map((name) => ({ name, low: LOW, high: HIGH }));
    this.push({ type: "data", axes, classes: ["0", "1"] }, { train, train_y, test, test_y, inputs: this.inputs(20) });
  }

  private inputs(side: number): Tensor {
    const count = this.setup.inputs.length;
    const at = (i: number): number => LOW + ((HIGH - LOW) * i) / (side - 1);
    const values = Float32Array.from({ length: count * side * side }, (_, p) => {
      const [input, row, column] = [Math.floor(p / side ** 2), Math.floor(p / side) % side, p % side];
      return input % 2 ? -at(row) : at(column);
    });
    return { shape: [count, side, side], values };
  }

  private train(epochs: number): void {
    this.epoch = Math.max(0, this.epoch + epochs);
    for (let i = 0; i < this.theta.length; i++) this.theta[i]! += 0.02 * this.random();
    this.pushSnapshot();
  }

  private pushSnapshot(): void {
    const loss = 0.05 + 0.65 * Math.exp(-this.epoch / 20);
    const row = [this.epoch, loss, loss * 1.1, 1 - loss / 2, 1 - loss / 1.8];
    this.push(
      {
        type: "snapshot",
        playing: this.timer !== undefined,
        epoch: this.epoch,
        step: Math.round(11 * this.epoch),
        epochs_per_second: this.timer === undefined ? 0 : 11,
        learning_rate: 0.03,
        status: "ready",
        loss_train: row[1],
        loss_test: row[2],
        score_train: row[3],
        score_test: row[4],
        unit_ranges: this.setup.layers.flatMap(({ units }) => Array.from({ length: units }, () => [-1, 1])),
      },
      {
        theta: { shape: [this.theta.length], values: this.theta },
        history: { shape: [1, 5], values: Float32Array.from(row) },
        ...this.surfaces(60, "surface"),
        ...this.surfaces(20, "units"),
      },
    );
  }

  private surfaces(side: number, name: string): Record<string, Tensor> {
    const widths = this.widths();
    const hidden = widths.slice(1, -1).reduce((a, b) => a + b, 0);
    const out = new Float32Array((name === "units" ? hidden : 1) * side * side);
    for (let p = 0; p < side * side; p++) {
      const x1 = LOW + ((HIGH - LOW) * (p % side)) / (side - 1);
      const x2 = HIGH - ((HIGH - LOW) * Math.floor(p / side)) / (side - 1);
      let a = this.setup.inputs.map((_, i) => (i % 2 ? x2 : x1));
      let offset = 0;
      let unit = 0;
      for (let layer = 1; layer < widths.length; layer++) {
        const bias = offset + widths[layer]! * a.length;
        const z = Array.from({ length: widths[layer]! }, (_, j) =>
          a.reduce((sum, value, i) => sum + value * this.theta[offset + j * a.length + i]!, this.theta[bias + j]!),
        );
        offset = bias + widths[layer]!;
        a = z.map((value) => (layer === widths.length - 1 ? 1 / (1 + Math.exp(-value)) : Math.tanh(value)));
        if (name === "units" && layer < widths.length - 1) for (const value of a) out[unit++ * side * side + p] = value;
      }
      if (name === "surface") out[p] = a[0]!;
    }
    return { [name]: { shape: [name === "units" ? hidden : 1, side, side], values: out } };
  }
}
