/** The messages of the protocol (docs/playground_protocol.md), as the page sees them. */

export type Task = "binary" | "classes" | "numbers";
export type StepUnit = "example" | "batch" | "epoch";

export interface Layer {
  units: number;
  activation: string;
  batch_norm: boolean;
  dropout: number;
}

/** A record of a registry with its own numbers: {"name": "adam", "learning_rate": 0.03, "beta1": 0.9}. */
export interface Named {
  name: string;
  [parameter: string]: unknown;
}

export interface DataChoice {
  kind: string;
  seed?: number;
  noise?: number;
  size?: number;
  train_share?: number;
  expression?: string;
  points?: number[][];
  table?: string;
  target?: string;
  features?: string[] | null;
  axes?: string[] | "pca" | null;
  [option: string]: unknown;
}

/** All that determines a run. It lives in the address of the page. */
export interface Setup {
  data: DataChoice;
  inputs: string[];
  layers: Layer[];
  output_activation: string;
  loss: string;
  l1: number;
  l2: number;
  optimizer: Named;
  schedule: Named | null;
  batch_size: number;
  clip_norm: number | null;
  initializer: string;
  seed: number;
  stop: { epoch: number | null; loss: number | null };
}

type Partially<T> = T extends unknown[] ? T : T extends object ? { [K in keyof T]?: Partially<T[K]> } : T;
export type PartialSetup = Partially<Setup>;

export interface Parameter {
  name: string;
  default: unknown;
  about?: string;
  choices?: string[];
  low?: number | null;
  high?: number | null;
}

export interface RecordInfo {
  name: string;
  title?: string;
  latex?: string;
  about?: string;
  range?: [number | null, number | null] | string;
  parameters?: Parameter[];
}

export interface DataKind {
  name: string;
  title: string;
  task: string;
  options: unknown;
  about?: string;
}

export interface Registries {
  activations: RecordInfo[];
  losses: RecordInfo[];
  optimizers: RecordInfo[];
  initializers: RecordInfo[];
  schedules: RecordInfo[];
}

export interface Hello {
  type: "hello";
  version: string;
  session: string;
  registries: Registries;
  data_kinds: DataKind[];
  limits: Record<string, number>;
  default_setup: Setup;
  tables?: TableInfo[];
}

export interface TensorInfo {
  name: string;
  shape: number[];
  frozen: boolean;
}

export interface TableColumn {
  name: string;
  kind: string;
  missing?: number;
}

/** A built-in table (hello), the one in use (setup) or one just uploaded: its id is `id` or `table`. */
export interface TableInfo {
  id?: string;
  table?: string;
  title?: string;
  target?: string;
  rows: number;
  columns: TableColumn[];
}

/** What the server made of the setup. */
export interface Facts {
  type: "setup";
  setup: Setup;
  tensors: TensorInfo[];
  inputs: string[];
  classes: string[] | null;
  task: Task;
  output: { activation: string; loss: string };
  engine: string;
  can_undo: string | null;
  table: TableInfo | null;
}

export interface Axis {
  name: string;
  low: number;
  high: number;
}

export interface DataHeader {
  type: "data";
  axes: Axis[];
  classes: string[] | null;
  y_range?: [number, number];
  /** A function of one variable: the second axis is y, and surfaces are curves. */
  line?: boolean;
  target?: string;
  notes?: string[];
}

export type Status = string;

/** A unit that learns nothing: layer from 1, unit from 0, why, and its lowest and highest z over the training data. */
export type Found = [number, number, string, number?, number?];

export interface SnapshotHeader {
  type: "snapshot";
  playing: boolean;
  epoch: number;
  step: number;
  epochs_per_second: number;
  learning_rate: number;
  loss_train: number;
  loss_test: number;
  score_train: number;
  score_test: number;
  first_bad?: string | null;
  status: Status;
  unit_ranges?: [number, number][];
  /** "2.3": the unit whose fine surface is the array `unit`. */
  unit?: string;
  hidden_layer?: number;
  dead?: Found[];
}

export interface Notice {
  type: "notice";
  level: "info" | "warning" | "error";
  text: string;
  undo: boolean;
  /** It speaks of a command that takes long, and goes when that is done. */
  passing?: boolean;
}

/** How a race stands; its curves are arrays curve0, curve1 … in the columns of the history. */
export interface RaceHeader {
  type: "race";
  id: number;
  names: string[];
  optimizers: Named[];
  epoch: number;
  epochs: number;
  finished: boolean;
  /** Racers that met a NaN: their place, and the tensor. */
  failed: Record<string, string>;
}

/** One frame: its header, and its arrays by name with their shapes. */
export interface Message<H = Record<string, unknown> & { type: string }> {
  header: H;
  arrays: Record<string, Tensor>;
}

export interface Tensor {
  shape: number[];
  values: Float32Array;
}

export interface Command {
  do: string;
  [field: string]: unknown;
}

/** The server refused a command; `field` names the place in the setup, such as "layers.0.units". */
export class Refused extends Error {
  constructor(
    message: string,
    readonly field: string | null = null,
  ) {
    super(message);
    this.name = "Refused";
  }
}

/** There is no server on the line: the page says so as long as it lasts, so no single command need say it again. */
export class Unreachable extends Error {
  constructor() {
    super("The server does not answer.");
    this.name = "Unreachable";
  }
}
