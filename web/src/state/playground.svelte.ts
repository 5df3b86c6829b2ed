import type { Connection, Transport } from "../transport/transport";
import {
  Refused,
  Unreachable,
  type Command,
  type DataHeader,
  type Facts,
  type Hello,
  type Message,
  type Notice,
  type PartialSetup,
  type RaceHeader,
  type Setup,
  type SnapshotHeader,
  type StepUnit,
  type Task,
} from "../transport/types";
import { pretty } from "../lib/format";
import { DEFAULT_VIEW, fromFragment, pageState, toFragment, type PageState, type View } from "./address";
import { Changes } from "./changes";
import { Highlight } from "./highlight.svelte";
import { History } from "./history";
import type { Hideable } from "./lesson";
import { Memory } from "./memory";
import { merge } from "./merge";
import { Notices } from "./notices.svelte";
import { Tables } from "./tables.svelte";
import { Watching } from "./watching";
import { flat, place, weightName, type Placed, type Unit } from "./theta";

export interface FieldError {
  field: string | null;
  message: string;
}

/**
 * The page's whole state. The server owns the run; this holds what it last said, sends commands, and mirrors the
 * setup in the address. Arrays are held raw: a snapshot is replaced as a whole, thirty times a second.
 */
export class Playground {
  connection = $state<Connection>("connecting");
  /** The connection was there and is gone: the first "connecting" is no loss. */
  wasOpen = $state(false);
  hello = $state.raw<Hello | null>(null);
  /** What the controls show: the server's setup with the changes that are still on their way. */
  setup = $state.raw<Setup | null>(null);
  facts = $state.raw<Facts | null>(null);
  data = $state.raw<Message<DataHeader> | null>(null);
  snapshot = $state.raw<Message<SnapshotHeader> | null>(null);
  /** Counts up when the curves change: the chart reads `history` then. */
  historyVersion = $state(0);
  history = new History();
  /** The last race, which stays to be looked at. */
  race = $state.raw<Message<RaceHeader> | null>(null);
  readonly notices = new Notices();
  error = $state.raw<FieldError | null>(null);
  stepUnit = $state<StepUnit>("epoch");

  readonly tables = new Tables(this);
  view = $state<Required<View>>({ ...DEFAULT_VIEW });
  hidden = $state.raw<ReadonlySet<string>>(new Set());
  task = $state("");
  /** The unit that is looked at (hover, focus or tap), and the example that was chosen on the surface. */
  hovered = $state.raw<Unit | null>(null);
  example = $state<number | null>(null);
  /** The unit of which the reader asked why it learns nothing. */
  asked = $state.raw<Unit | null>(null);
  drawing = $state(false);
  /** What a panel points at in the network. */
  readonly highlight = new Highlight();

  playing = $derived(this.snapshot?.header.playing ?? false);
  epoch = $derived(this.snapshot?.header.epoch ?? 0);
  theta = $derived(this.snapshot?.arrays.theta?.values ?? null);
  tensors: Map<string, Placed> = $derived(place(this.facts?.tensors ?? []));
  kind: Task = $derived(this.facts?.task ?? "binary");
  classes: string[] = $derived(this.facts?.classes ?? []);
  /** Number of layers with weights: hidden ones and the output. */
  depth = $derived((this.facts?.setup.layers.length ?? 0) + 1);
  /** Units of the output. */
  outputs = $derived(this.tensors.get(weightName(this.depth))?.shape[0] ?? 1);

  private pending = 0;
  private changes = new Changes(
    (setup) => this.send({ do: "change", setup }),
    (error) => this.failed(error),
  );
  readonly watching = new Watching((command) => this.do(command));
  private wished: PageState = {};
  private readonly memory: Memory;
  private joining: Promise<unknown> = Promise.resolve();

  constructor(
    readonly transport: Transport,
    store: Storage | null = null,
  ) {
    this.memory = new Memory(store);
    transport.listen((message) => this.receive(message));
    transport.watchConnection((state) => void this.connected(state));
  }

  start(fragment: string): void {
    try {
      this.wished = fromFragment(fragment) ?? {};
    } catch (error) {
      this.notices.tell("warning", (error as Error).message);
    }
    this.takePage(this.wished);
    this.transport.open();
  }

  /** Another address was typed or followed while the page is open. */
  async goTo(fragment: string): Promise<void> {
    if (fragment.replace(/^#/, "") === this.fragment()) return;
    try {
      const state = fromFragment(fragment) ?? {};
      this.takePage(state);
      if (this.hello) await this.change(merge(this.hello.default_setup, state.setup));
    } catch (error) {
      this.notices.tell("warning", (error as Error).message);
    }
  }

  shows(part: Hideable): boolean {
    return !this.hidden.has(part);
  }

  /** The state of the page for the address: what differs from the default setup, and what a teacher said. */
  state(): PageState {
    return pageState({
      setup: this.setup,
      usual: this.hello?.default_setup ?? null,
      hide: [...this.hidden],
      task: this.task,
      view: $state.snapshot(this.view),
    });
  }

  fragment(): string {
    const state = this.state();
    return Object.keys(state).length === 0 ? "" : toFragment(state);
  }

  /** The address was written: a reload knows its session by it. */
  remember(): void {
    this.memory.keepAddress(this.fragment());
  }

  // Commands

  /** Waits until the session is joined: a command may be given while the page is coming back to its server. */
  async send(command: Command, onReply?: (message: Message) => void): Promise<Message | null> {
    await this.joining;
    this.pending++;
    try {
      return await this.transport.send(command, onReply);
    } finally {
      if (--this.pending === 0) this.notices.allDone();
    }
  }

  /** Sends a command whose refusal is shown and otherwise has no consequence. */
  async do(command: Command): Promise<boolean> {
    try {
      await this.send(command);
      this.error = null;
      return true;
    } catch (error) {
      this.failed(error as Error);
      return false;
    }
  }

  change(partial: PartialSetup): Promise<void> {
    this.error = null;
    if (this.setup) this.setup = merge(this.setup, partial);
    return this.changes.push(partial);
  }

  play = (): Promise<boolean> => this.do({ do: "play", speed: this.view.speed || null });
  pause = (): Promise<boolean> => this.do({ do: "pause" });
  toggle = (): Promise<boolean> => (this.playing ? this.pause() : this.play());
  step = (back = false): Promise<boolean> => this.do({ do: "step", unit: this.stepUnit, back, count: 1 });
  reset = (): Promise<boolean> => this.do({ do: "reset" });
  newWeights = (): Promise<boolean> => this.do({ do: "new_weights" });
  undo = (): Promise<boolean> => this.do({ do: "undo" });
  edit = (tensor: string, index: number[], value: number): Promise<boolean> =>
    this.do({ do: "edit", tensor, index, value });

  /** Reads a table of the reader's own. */
  async upload(file: File): Promise<void> {
    try {
      const table = await this.transport.upload(this.hello!.session, file);
      await this.tables.add({ title: file.name, ...table });
    } catch (error) {
      this.failed(error as Error);
    }
  }

  /** A file that was dropped: a network of ours, or a table. */
  async take(file: File): Promise<void> {
    if (!file.name.endsWith(".glassnet")) return this.upload(file);
    try {
      this.notices.tell("info", await this.openModel(file));
    } catch (error) {
      this.failed(error as Error);
    }
  }

  /** Opens a model file and says so. */
  async openModel(file: File): Promise<string> {
    await this.transport.importModel(this.hello!.session, file);
    return `${file.name} is open: its network stands above, with its weights.`;
  }

  /** A function has one input x, the patterns have two: what is chosen must fit the kind of data. */
  inputsFor(kind: string): { inputs?: string[] } {
    const one = (name: string): boolean => /\bx\b/.test(name);
    const fits = this.setup!.inputs.every((name) => one(name) === (kind === "function"));
    return fits ? {} : { inputs: kind === "function" ? ["x"] : ["x1", "x2"] };
  }

  /** Why a unit is dead or saturated, if it is. */
  idle(at: Unit): string | null {
    const found = this.snapshot?.header.dead?.find(([layer, unit]) => layer === at.layer && unit === at.unit);
    return found?.[2] ?? null;
  }

  /** A formula is written as formulas are, a table's column as it is called. */
  inputName(index: number): string {
    const name = this.facts?.inputs[index] ?? "";
    return this.facts?.setup.data.kind === "table" ? name : pretty(name);
  }

  /** Name of the activation of a layer, from 1; the output's is the last. */
  activation(layer: number): string {
    const hidden = this.facts?.setup.layers[layer - 1]?.activation;
    return (layer === this.depth ? this.facts?.output.activation : hidden) ?? "";
  }

  // Numbers

  value(tensor: string, index: number[]): number {
    const placed = this.tensors.get(tensor);
    return placed && this.theta ? (this.theta[flat(placed, index)] ?? NaN) : NaN;
  }

  setSpeed(speed: number): void {
    this.view.speed = speed;
    if (this.playing) void this.play();
  }

  errorAt(field: string): string | null {
    const at = this.error?.field;
    return at != null && (at === field || at.startsWith(`${field}.`)) ? this.error!.message : null;
  }

  // Messages

  receive(message: Message): void {
    switch (message.header.type) {
      case "hello":
        this.hello = message.header as unknown as Hello;
        this.memory.keepSession(this.hello.session);
        break;
      case "setup":
        this.facts = message.header as unknown as Facts;
        this.setup = merge(this.facts.setup, this.changes.waiting ?? undefined);
        this.tables.settle();
        break;
      case "data":
        this.data = message as unknown as Message<DataHeader>;
        break;
      case "history":
        this.history.replace(message);
        this.historyVersion++;
        break;
      case "snapshot":
        this.snapshot = message as unknown as Message<SnapshotHeader>;
        if (message.arrays.history && this.history.append(message.arrays.history.values)) this.historyVersion++;
        break;
      case "race":
        this.race = message as unknown as Message<RaceHeader>;
        break;
      case "notice": {
        const { level, text, undo, passing } = message.header as unknown as Notice;
        this.notices.tell(level, text, { undo, passing });
        break;
      }
    }
  }

  private takePage(state: PageState): void {
    this.hidden = new Set(state.hide ?? []);
    this.task = state.task ?? "";
    Object.assign(this.view, state.view ?? {});
  }

  private async connected(state: Connection): Promise<void> {
    if (state !== "open") {
      this.connection = state;
      return;
    }
    const known = this.hello && this.setup && { session: this.hello.session, setup: this.setup };
    const greeting = known ?? this.memory.greeting(this.wished);
    try {
      this.joining = this.transport.send({ do: "hello", ...greeting });
      await this.joining;
      this.connection = "open";
      this.wasOpen = true;
      if (this.hello) await this.watching.watch();
    } catch (error) {
      // too many pages, for one: nothing else is on the screen yet that could say so
      if (!(error instanceof Unreachable)) this.notices.tell("error", (error as Error).message);
    }
  }

  private failed(error: Error): void {
    const field = error instanceof Refused ? error.field : null;
    this.error = { field, message: error.message };
    if (this.facts) this.setup = this.facts.setup;
    if (field === null && !(error instanceof Unreachable)) this.notices.tell("error", error.message);
  }
}
