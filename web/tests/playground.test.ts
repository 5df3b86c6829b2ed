import { beforeEach, describe, expect, it } from "vitest";
import { toFragment, fromFragment } from "../src/state/address";
import { Playground } from "../src/state/playground.svelte";
import { FakeTransport } from "../src/transport/fake";
import { pictureOf } from "../src/surface/pictures";
import { readingAt } from "../src/surface/reading";
import { Refused, type Command, type Message } from "../src/transport/types";

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

async function begun(fragment = "", refuse: (command: Command) => Refused | null = () => null) {
  const transport = new FakeTransport(refuse);
  const playground = new Playground(transport, sessionStorage);
  playground.start(fragment);
  await settled();
  return { transport, playground };
}

beforeEach(() => sessionStorage.clear());

describe("the playground", () => {
  it("says hello first and takes what the server says", async () => {
    const { transport, playground } = await begun();
    expect(transport.sent[0]).toEqual({ do: "hello", session: null, setup: {} });
    expect(playground.connection).toBe("open");
    expect(playground.setup!.layers.length).toBe(2);
    expect(playground.theta!.length).toBe(2 * 8 + 8 + 8 * 8 + 8 + 8 + 1);
    expect(playground.value("W1", [0, 0])).toBeCloseTo(playground.theta![0]!);
    expect(playground.fragment()).toBe("");
  });

  it("has a picture of every input, the server's own numbers, with zero in the middle", async () => {
    const { transport, playground } = await begun();
    expect(pictureOf({ layer: 0, unit: 1 }, playground)).toEqual({
      values: playground.data!.arrays.inputs!.values.subarray(400),
      scale: { low: -6, high: 6 },
    });
    const values = Float32Array.from([NaN, 0.5, -2]); // 1/x1 is not finite everywhere
    transport.push({ ...playground.data!.header }, { inputs: { shape: [1, 1, 3], values } });
    expect(pictureOf({ layer: 0, unit: 0 }, playground)!.scale).toEqual({ low: -2, high: 2 });
    expect(pictureOf({ layer: 0, unit: 1 }, playground), "its data are still on their way").toBeNull();
  });

  it("takes a unit as fine as the surface where it is sent so, else as the network shows it", async () => {
    const { playground } = await begun();
    const { header, arrays } = playground.snapshot!;
    expect(pictureOf({ layer: 2, unit: 1 }, playground, true)!.values).toEqual(
      arrays.units!.values.subarray(9 * 400, 10 * 400),
    );
    const values = new Float32Array(3600).fill(0.25);
    const fine = { ...arrays, unit: { shape: [60, 60], values } };
    playground.receive({ header: { ...header, unit: "2.1" }, arrays: fine } as unknown as Message);
    expect(pictureOf({ layer: 2, unit: 1 }, playground, true)!.values).toEqual(values);
    expect(pictureOf({ layer: 2, unit: 1 }, playground)!.values).toHaveLength(400);
    expect(pictureOf({ layer: 2, unit: 2 }, playground, true)!.values).toHaveLength(400);
  });

  it("begins with the setup in the address, and writes it back", async () => {
    const fragment = toFragment({
      setup: { layers: [{ units: 3, activation: "relu", batch_norm: false, dropout: 0 }] },
      hide: ["data"],
      task: "Try it",
    });
    const { transport, playground } = await begun(`#${fragment}`);
    expect(transport.setup.layers).toHaveLength(1);
    expect(playground.shows("data")).toBe(false);
    expect(playground.shows("inputs")).toBe(true);
    expect(playground.task).toBe("Try it");
    expect(fromFragment(playground.fragment())).toEqual(fromFragment(fragment));
  });

  it("starts as usual and says so when the address is cut off", async () => {
    const { playground } = await begun("#eyJzZXR1");
    expect(playground.facts).not.toBeNull();
    expect(playground.notices.list[0]!.text).toMatch(/cut off/);
  });

  it("shows a change at once, and takes it back when it is refused", async () => {
    const { playground } = await begun("", (command) =>
      command.do === "change" ? new Refused("layers.0.units: expected int >= 1", "layers.0.units") : null,
    );
    const before = playground.setup;
    const change = playground.change({ l2: 0.5 });
    expect(playground.setup!.l2).toBe(0.5);
    await change;
    expect(playground.setup).toEqual(before);
    expect(playground.errorAt("layers.0.units")).toMatch(/expected int/);
    expect(playground.errorAt("layers.0")).toMatch(/expected int/);
    expect(playground.errorAt("layers.1")).toBeNull();
    expect(playground.notices.list).toEqual([]);
  });

  it("tells of a refusal that belongs to no field", async () => {
    const { playground } = await begun("", (command) => (command.do === "step" ? new Refused("no") : null));
    expect(await playground.step()).toBe(false);
    expect(playground.notices.list.map(({ text }) => text)).toEqual(["no"]);
  });

  it("rejoins its session with its setup after the connection was lost", async () => {
    const { transport, playground } = await begun();
    await playground.change({ l2: 0.25 });
    transport.close();
    expect(playground.connection).toBe("lost");
    transport.open();
    await settled();
    const hello = transport.sent.filter((command) => command.do === "hello").at(-1)!;
    expect(hello.session).toBe("fake");
    expect((hello.setup as { l2: number }).l2).toBe(0.25);
    expect(playground.connection).toBe("open");
  });

  it("joins its session after a reload, and another one for another address", async () => {
    const first = await begun();
    await first.playground.change({ l2: 0.25 });
    first.playground.remember();
    const address = first.playground.fragment();
    const again = await begun(`#${address}`);
    expect(again.transport.sent[0]!.session).toBe("fake");
    const other = await begun(`#${toFragment({ setup: { l2: 0.5 } })}`);
    expect(other.transport.sent[0]!.session).toBeNull();
  });

  it("says why it was not let in", async () => {
    const { playground } = await begun("", (command) =>
      command.do === "hello" ? new Refused("16 open pages already") : null,
    );
    expect(playground.notices.list.map(({ text }) => text)).toEqual(["16 open pages already"]);
    expect(playground.connection).not.toBe("open");
  });

  it("edits by name, plays at the chosen speed, steps by the chosen unit", async () => {
    const { transport, playground } = await begun();
    await playground.edit("W2", [3, 4], 1.5);
    expect(playground.value("W2", [3, 4])).toBe(1.5);
    playground.setSpeed(0);
    await playground.toggle();
    expect(transport.sent.at(-1)).toEqual({ do: "play", speed: null });
    expect(playground.playing).toBe(true);
    await playground.toggle();
    expect(playground.playing).toBe(false);
    playground.stepUnit = "batch";
    await playground.step(true);
    expect(transport.sent.at(-1)).toEqual({ do: "step", unit: "batch", back: true, count: 1 });
  });

  it("gives a function its one input and patterns their two", async () => {
    const { playground } = await begun();
    expect(playground.inputsFor("spiral")).toEqual({});
    expect(playground.inputsFor("function")).toEqual({ inputs: ["x"] });
  });

  it("opens a file of the reader's own, first in the list, and chooses its columns", async () => {
    const { transport, playground } = await begun();
    const { tables } = playground;
    expect([tables.all, tables.current]).toEqual([[], null]);
    await playground.take(new File(["a,b,kind"], "plants.csv"));
    const table = { kind: "table", table: "t1", target: "kind", features: null, axes: null, train_share: 0.7, seed: 0 };
    expect(transport.sent.at(-1)).toEqual({ do: "change", setup: { data: table } });
    expect(tables.all.map(({ title }) => title)).toEqual(["plants.csv"]);
    expect(tables.uses(tables.all[0]!)).toBe(true);
    await tables.choose("a", ["b"]);
    expect(playground.setup!.data).toMatchObject({ target: "a", features: ["b"] });
  });

  it("takes a file of a network for one", async () => {
    const { transport, playground } = await begun();
    await playground.take(new File([""], "mine.glassnet"));
    expect(playground.notices.list.at(-1)!.text).toMatch(/mine.glassnet is open/);
    transport.importModel = () => Promise.reject(new Refused("it has 3 inputs, the data have 2"));
    await playground.take(new File([""], "mine.glassnet"));
    expect(playground.notices.list.at(-1)).toMatchObject({ level: "error", text: "it has 3 inputs, the data have 2" });
  });

  it("reads the surface at a place on the screen", async () => {
    const { transport, playground } = await begun();
    const frame = { width: 100, height: 100, across: { low: -6, high: 6 }, up: { low: -6, high: 6 } };
    const surface = (shape: number[], values: number[]) =>
      transport.push({ ...playground.snapshot!.header }, { surface: { shape, values: Float32Array.from(values) } });
    surface([1, 2, 2], [0.1, 0.2, 0.3, 0.4]); // row 0 is the top
    expect(readingAt([100, 0], frame, playground)).toBe("6.00, 6.00: 0.200");
    expect(readingAt([0, 99], frame, playground)).toBe("−6.00, −5.88: 0.300");
    surface([2, 1, 1], [0.25, 0.75]);
    expect(readingAt([50, 50], frame, playground)).toBe("0.00, 0.00: 1 with 0.75");
  });
});
