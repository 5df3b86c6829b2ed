import { cleanup, fireEvent, render, screen, within } from "@testing-library/svelte";
import { afterEach, describe, expect, it } from "vitest";
import App from "../src/App.svelte";
import { figures, scientific } from "../src/lib/format";
import { flatValues, follow, markOf, places, walk, type Derivation } from "../src/panels/explain/derivation";
import { say, type Facts } from "../src/panels/explain/words";
import { limitsOf, outputOver } from "../src/panels/layers/bent";
import { histogramsOf, remark, shareBetween, summary } from "../src/panels/layers/histogram";
import { flowRemark, idleNews, idleOf, nameOf, reasonOf } from "../src/panels/layers/idle";
import { confusionOf, fitOf, sentence } from "../src/panels/mistakes/counts";
import { MEASURES, racersOf, ranking, spread, verdict } from "../src/panels/race/race";
import { lessonFragment, pasted } from "../src/panels/share/lesson";
import { fromFragment, toFragment } from "../src/state/address";
import { Playground } from "../src/state/playground.svelte";
import { FakeTransport } from "../src/transport/fake";
import type { Message, RaceHeader } from "../src/transport/types";
// network.explain([[1, 2]], [1], optimizer="sgd").document() of a 2-2-1 network with tanh and sigmoid:
// W1 = [[0.5, -0.25], [1.5, 0.75]], b1 = [0.1, -0.2], W2 = [[1, -2]], b2 = [0.3]
import document_ from "./fixtures/explanation.json";

const derivation = document_ as unknown as Derivation;
afterEach(cleanup);
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

describe("the walk through a derivation", () => {
  const steps = walk(derivation);
  const at = (name: string) => steps.find(({ quantity }) => quantity.name === name)!;

  it("goes forward, to the loss, backward and through the update, and never back", () => {
    const phases = steps.map(({ phase }) => phase);
    expect([...new Set(phases)]).toEqual(["Forward", "Loss", "Backward", "Update"]);
    expect(phases).toEqual(
      [...phases].sort((a, b) => ["F", "L", "B", "U"].indexOf(a[0]!) - ["F", "L", "B", "U"].indexOf(b[0]!)),
    );
    expect(steps.map(({ quantity }) => quantity.name)).toEqual(derivation.lines.map(({ name }) => name));
  });

  it("knows kind and layer of each quantity, what optimizers keep included", () => {
    expect(at("z1")).toMatchObject({ kind: "z", layer: 1, phase: "Forward" });
    expect(at("dW2")).toMatchObject({ kind: "dW", layer: 2, phase: "Backward" });
    expect(at("b1_new")).toMatchObject({ kind: "b_new", layer: 1, phase: "Update" });
    const [slot] = walk({ ...derivation, lines: [{ ...derivation.lines[0]!, name: "v_W2" }] });
    expect(slot).toMatchObject({ kind: "slot", layer: 2, phase: "Update", symbol: "v·W" });
  });

  it("finds the numbers of a line in the network", () => {
    expect(places("W1[2,1] · x[1] + W1[2,2] · x[2] + b1[2]")).toEqual(["w1.1.0", "u0.0", "w1.1.1", "u0.1", "b1.1"]);
    expect(places("W12[3,10] · delta12[3] + dL_da2[1] · g2[1]")).toEqual(["w12.2.9", "u12.2", "u2.0", "u2.0"]);
    expect(places("W1[1,2] - 0.01 · m_W1[1,2] / (sqrt(v_W1[1,2]) + 1)")).toEqual(["w1.0.1", "w1.0.1", "w1.0.1"]);
    expect(places("W1_new[1,2] = b1_new[2]")).toEqual(["w1.0.1", "b1.1"]);
    expect(places("tanh(0.5) + max(1, 0)")).toEqual([]);
  });

  it("points at what is computed and at what it is computed from", () => {
    const step = at("z1");
    const { roles, way, notes } = markOf(step, step.quantity.entries[1], 2, "2.8");
    expect(way).toBe("forward");
    expect(roles.get("u1.1")).toBe("target");
    expect(
      [...roles]
        .filter(([, role]) => role === "source")
        .map(([key]) => key)
        .sort(),
    ).toEqual(["b1.1", "u0.0", "u0.1", "w1.1.0", "w1.1.1"]);
    expect(notes.get("u1.1")).toBe("2.8");
    const gradient = at("dW2");
    expect(markOf(gradient, gradient.quantity.entries[1], 2, "").roles).toEqual(
      new Map([
        ["u2.0", "source"],
        ["u1.1", "source"],
        ["w2.0.1", "target"],
      ]),
    );
    expect(markOf(at("loss"), at("loss").quantity.entries[0], 2, "").roles.get("u2.0")).toBe("target");
  });

  it("stays with a unit from step to step", () => {
    const second = at("z1").quantity.entries[1]!;
    expect(follow(second, at("a1").quantity)).toBe(1);
    expect(at("dW1").quantity.entries[follow(second, at("dW1").quantity)]!.index).toEqual([2, 1]);
    expect(follow(second, at("z2").quantity)).toBe(0);
    expect(follow(undefined, at("a1").quantity)).toBe(0);
  });

  it("orders values as it orders lines", () => {
    for (const { values, entries } of derivation.lines)
      expect(flatValues(values)).toEqual(entries.map(({ value }) => value));
    expect(
      flatValues([
        [1, null],
        [3, 4],
      ]),
    ).toEqual([1, NaN, 3, 4]);
  });

  it("has words for every step", () => {
    const facts: Facts = {
      activation: () => "tanh",
      outputLayer: 2,
      loss: "binary_cross_entropy",
      optimizer: "sgd",
      learningRate: 0.1,
      target: "class 1",
    };
    for (const step of steps) expect(say(step, facts)).toMatch(/^[A-Z].*[.?]$/);
    expect(say(at("delta2"), facts)).toMatch(/short/);
    expect(say(at("delta1"), facts)).not.toMatch(/short/);
  });
});

describe("numbers", () => {
  it.each([
    [0.1, "0.1"],
    [2.5644900001, "2.56449"],
    [-0.5, "−0.5"],
    [123456.7, "123457"],
    [100, "100"],
    [1.5e-7, "1.5e−7"],
    [NaN, "NaN"],
    [0, "0"],
  ])("writes %f as the derivations do", (value, text) => expect(figures(value)).toBe(text));
  it.each([
    [0.00032, "3.2·10⁻⁴"],
    [-0.00032, "−3.2·10⁻⁴"],
    [0.123, "0.123"],
    [0, "0.000"],
    [4.2e12, "4.2·10¹²"],
  ])("writes %f with a power of ten where it is far from 1", (value, text) => expect(scientific(value)).toBe(text));
});

describe("histograms", () => {
  const flat = { low: -1, high: 1, counts: new Float32Array(20).fill(5) };

  it("finds mean and spread of an even one: 0 and 2/sqrt(12), as fine as its bins", () => {
    expect(summary(flat).mean).toBeCloseTo(0, 12);
    expect(summary(flat).spread).toBeCloseTo(2 / Math.sqrt(12), 2);
    expect(summary(flat).total).toBe(100);
  });

  it("counts shares, with parts of bins", () => {
    expect(shareBetween(flat, -1, 0)).toBeCloseTo(0.5, 12);
    expect(shareBetween(flat, 0.05, 0.075)).toBeCloseTo(0.0125, 12);
  });

  it("takes layers apart: activations, then gradients", () => {
    const counts = Float32Array.from({ length: 8 }, (_, i) => i);
    const [first, second] = histogramsOf(counts, Float32Array.from([0, 1, 2, 3, 4, 5, 6, 7]), 2);
    expect([first![0].low, first![1].high, [...second![1].counts]]).toEqual([0, 3, [6, 7]]);
  });

  it("says what stands out, and nothing when nothing does", () => {
    const ends = new Float32Array(20);
    ends[0] = 30;
    ends[19] = 50;
    ends[10] = 20;
    expect(remark("tanh", { low: -1, high: 1, counts: ends })).toMatch(/^80 %/);
    expect(remark("tanh", flat)).toBeNull();
    expect(remark("tanh", { low: -0.01, high: 0.01, counts: ends })).toBeNull();
    expect(
      remark("relu", { low: 0, high: 1, counts: Float32Array.from({ length: 20 }, (_, i) => (i === 0 ? 90 : 1)) }),
    ).toMatch(/at or near 0/);
    expect(remark("identity", flat)).toBeNull();
  });
});

describe("units that learn nothing", () => {
  it("are named from 1, with what leads to what", () => {
    const idle = idleOf([1, 2, "dead: the slope of relu is 0 at every training point", -9.5, -0.25], "relu");
    expect(nameOf(idle)).toBe("Unit 3 of layer 1");
    const { heading, chain, remedy } = reasonOf(idle, 0.5);
    expect(heading).toBe("Unit 3 of layer 1 is dead.");
    expect(chain[0]).toMatch(/z⁽¹⁾₃ is below 0 for every training example \(from −9.50 to −0.25; its bias is 0.50\)/);
    expect(chain[2]).toMatch(/gradient of its weights and its bias is 0/);
    expect(remedy).toMatch(/leaky ReLU/);
  });

  it("say when the bias alone is the cause", () => {
    const unit = [2, 0, "dead: …", -32.5, -27.5] as const;
    const { byBias, remedy } = reasonOf(idleOf([...unit], "relu"), -30);
    expect([byBias, remedy]).toEqual([true, expect.stringMatching(/the bias: without it z⁽²⁾₁ would reach 2\.50/)]);
    expect(reasonOf(idleOf([...unit], "relu"), -20).byBias).toBe(false);
    expect(reasonOf(idleOf([...unit], "relu"), 3).byBias).toBe(false);
  });

  it("are counted on the tab, the dead ones first", () => {
    const [dead, saturated] = [
      [1, 0, "dead: …"] as [number, number, string],
      [2, 0, "saturated: …"] as [number, number, string],
    ];
    expect(idleNews([])).toBeNull();
    expect(idleNews([dead, saturated])).toBe("1 dead unit");
    expect(idleNews([saturated, saturated])).toBe("2 saturated units");
  });

  it("are told apart: saturated is not dead", () => {
    const { heading, chain } = reasonOf(idleOf([2, 0, "saturated: …", 6, 9], "tanh"), 7);
    expect(heading).toBe("Unit 1 of layer 2 is saturated.");
    expect(chain[0]).toMatch(/far above 0/);
    expect(chain[2]).toMatch(/hardly any/);
  });

  it.each([
    [[0.001, 0.1, 1], /vanishes/, true],
    [[50, 1], /explodes/, true],
    [[1, 1.2], /gets through/, false],
    [[0, 1], /No gradient/, true],
  ])("the gradient of %j is put into words", (norms, words, bad) =>
    expect(flowRemark(norms as number[])).toMatchObject({ text: expect.stringMatching(words), bad }),
  );
  it("a gradient that cannot be judged is not judged", () => {
    expect(flowRemark([1])).toBeNull();
    expect(flowRemark([NaN, 1])).toBeNull();
    expect(flowRemark([0, 0])).toBeNull();
  });
});

describe("mistakes", () => {
  it("counts by hand: 8 + 5 of 20 right", () => {
    const confusion = confusionOf(Float32Array.from([8, 2, 5, 5]), 2);
    expect(confusion.right / confusion.total).toBe(13 / 20);
    expect(confusion.recall).toEqual([0.8, 0.5]);
    expect(confusion.precision).toEqual([8 / 13, 5 / 7]);
    expect(sentence(confusion, ["no", "yes"])).toBe(
      "13 of 20 test examples are right: 65.0 %. The most frequent mistake: yes taken for no, 5 of 10 times.",
    );
    expect(sentence(confusionOf(Float32Array.from([3, 0, 0, 4]), 2), ["a", "b"])).toBe(
      "All 7 test examples are right.",
    );
  });

  it("fits by hand: errors 1, -1, 2 of 1, 2, 6", () => {
    const { rmse, mae, r2 } = fitOf(Float32Array.from([2, 1, 1, 2, 8, 6]));
    expect(rmse).toBeCloseTo(Math.sqrt(2), 12);
    expect(mae).toBeCloseTo(4 / 3, 12);
    expect(r2).toBeCloseTo(1 - 6 / 14, 12);
  });
});

describe("the hidden plane", () => {
  it("has the output layer's answer over it, top row first", () => {
    const box = { x: [0, 2] as [number, number], y: [0, 2] as [number, number] };
    // z = 3u - v + 1 at the middles of four squares
    const z = outputOver(Float32Array.from([3, -1]), Float32Array.from([1]), 1, box, 2);
    expect([...z]).toEqual([3 * 0.5 - 1.5 + 1, 3 * 1.5 - 1.5 + 1, 3 * 0.5 - 0.5 + 1, 3 * 1.5 - 0.5 + 1]);
    const two = outputOver(Float32Array.from([1, 0, 0, 1]), Float32Array.from([0, 0]), 2, box, 2);
    for (let p = 0; p < 4; p++) expect(two[p]! + two[4 + p]!).toBeCloseTo(1, 6);
    expect(two[1]).toBeCloseTo(0.5, 6);
    expect(two[0]).toBeCloseTo(1 / (1 + Math.exp(1)), 6);
  });

  it("has a box with some room, also around one point or none", () => {
    expect(limitsOf([Float32Array.from([0, 10, 1, 20])])).toEqual({ x: [-0.06, 1.06], y: [9.4, 20.6] });
    expect(limitsOf([Float32Array.from([3, 4])])).toEqual({ x: [2.5, 3.5], y: [3.5, 4.5] });
    expect(limitsOf([])).toEqual({ x: [-1, 1], y: [-1, 1] });
  });
});

describe("the race", () => {
  const message: Message<RaceHeader> = {
    header: {
      type: "race",
      id: 1,
      names: ["sgd", "adam", "sgd"],
      epoch: 2,
      epochs: 2,
      finished: true,
      failed: { "2": "W1" },
      optimizers: [
        { name: "sgd", learning_rate: 0.1 },
        { name: "adam", learning_rate: 0.01 },
        { name: "sgd", learning_rate: 1e9 },
      ],
    },
    arrays: Object.fromEntries(
      [
        [0, 0.7, 0.7, 0.5, 0.5, 2, 0.5, 0.6, 0.8, 0.7],
        [0, 0.7, 0.7, 0.5, 0.5, 2, 0.2, 0.9, 0.9, 0.6],
        [0, 0.7, 0.7, 0.5, 0.5, 2, NaN, NaN, 0.1, 0.1],
      ].map((rows, i) => [`curve${i}`, { shape: [2, 5], values: Float32Array.from(rows) }]),
    ),
  };

  it("ranks by what is looked at, and those with a NaN last", () => {
    const [training, test, score] = MEASURES.map((measure) => ranking(racersOf(message, measure), measure));
    expect([training, test, score]).toEqual([
      [1, 0, 2],
      [0, 1, 2],
      [0, 1, 2],
    ]);
    expect(verdict(racersOf(message, MEASURES[0]), MEASURES[0], 2, false)).toBe(
      "After 2 epochs Adam 0.01 is first with 0.2000, before SGD 0.1 with 0.5000.",
    );
  });

  it("moves labels apart and keeps their order and limits", () => {
    for (const wished of [
      [10, 11, 12],
      [100, 5, 99, 98],
      [290, 291, 292, 293],
      [0, 0, 0],
    ]) {
      const placed = spread(wished, 17, 6, 276);
      const order = wished.map((_, i) => i).sort((a, b) => wished[a]! - wished[b]!);
      order.slice(1).forEach((i, k) => expect(placed[i]! - placed[order[k]!]!).toBeGreaterThanOrEqual(17 - 1e-9));
      expect(Math.max(...placed)).toBeLessThanOrEqual(276);
    }
  });
});

describe("links", () => {
  it("carry setup, task and what is hidden, and open where no panel is wished", () => {
    const state = { setup: { l2: 0.1 }, view: { panel: "share", test: false }, hide: ["inputs"], task: "old" };
    const fragment = lessonFragment(state, { task: "  How few units? ", hide: ["data"] });
    expect(fromFragment(fragment)).toEqual({
      setup: { l2: 0.1 },
      hide: ["data"],
      task: "How few units?",
      view: { test: false },
    });
  });

  it("are read from a whole address or its last part; anything else is refused in a line", () => {
    const fragment = toFragment({ task: "a" });
    expect(pasted(`  http://127.0.0.1:9/#${fragment} `)).toBe(fragment);
    expect(pasted(fragment)).toBe(fragment);
    for (const bad of ["http://127.0.0.1:9/", "javascript:alert(1)", "<b>"])
      expect(() => pasted(bad)).toThrow(/no address/);
    expect(() => pasted(fragment.slice(0, -2))).toThrow(/cut off/);
  });
});

describe("panels on the page", () => {
  async function page(
    panel: string,
    setup: Record<string, unknown> = {},
    prepare: (fake: FakeTransport) => void = () => {},
  ) {
    localStorage.setItem("walked", "yes");
    const fake = new FakeTransport();
    prepare(fake);
    const playground = new Playground(fake, sessionStorage);
    render(App, { playground });
    playground.start(`#${toFragment({ view: { panel }, setup })}`);
    await settled();
    return { fake, playground };
  }

  it("explains: pauses, walks by button and key, points at the network, lets go at the end", async () => {
    const layers = [{ units: 2, activation: "tanh", batch_norm: false, dropout: 0 }];
    const { playground, fake } = await page("explain", { layers }, (transport) => {
      transport.replies.explain = { type: "explanation", derivation: document_, notes: ["A note."] };
    });
    await fireEvent.click(screen.getByRole("button", { name: "Explain this example" }));
    await settled();
    const sheet = screen.getByRole("region", { name: "Explanation" });
    expect(fake.sent.at(-1)).toMatchObject({ do: "explain", example: 0 });
    expect(within(sheet).getByRole("heading").textContent).toBe("Pre-activation, layer 1");
    expect(playground.highlight.role("u1.0")).toBe("target");
    expect(playground.highlight.role("w1.0.1")).toBe("source");

    await fireEvent.click(within(sheet).getByRole("button", { name: "Next" }));
    expect(within(sheet).getByRole("heading").textContent).toBe("Activation, layer 1");
    await fireEvent.keyDown(sheet, { key: "ArrowLeft" });
    await fireEvent.click(within(sheet).getByRole("button", { name: /^z1\[2\] = / }));
    expect(playground.highlight.role("u1.1")).toBe("target");
    await fireEvent.click(within(sheet).getByRole("button", { name: "Update" }));
    expect(within(sheet).getByText("A note.")).toBeTruthy();
    await fireEvent.keyDown(sheet, { key: "End" });
    expect(within(sheet).getByText(/With these new weights the loss/)).toBeTruthy();
    await fireEvent.keyDown(sheet, { key: "Escape" });
    expect(screen.queryByRole("region", { name: "Explanation" })).toBeNull();
    expect(playground.highlight.current).toBeNull();
  });

  it("stays closed when the answer comes late", async () => {
    const layers = [{ units: 2, activation: "tanh", batch_norm: false, dropout: 0 }];
    const { fake } = await page("explain", { layers });
    fake.replies.explain = { type: "explanation", derivation: document_, notes: [] };
    let arrive = (): void => {};
    const send = fake.send.bind(fake);
    fake.send = async (command) => {
      if (command.do === "explain") await new Promise<void>((resolve) => (arrive = resolve));
      return send(command);
    };
    await fireEvent.click(screen.getByRole("button", { name: "Explain this example" }));
    await settled();
    arrive();
    await settled();
    await fireEvent.click(screen.getAllByRole("button", { name: "Next example" })[0]!);
    await settled();
    await fireEvent.keyDown(screen.getByRole("region", { name: "Explanation" }), { key: "Escape" });
    arrive();
    await settled();
    expect(screen.queryByRole("region", { name: "Explanation" })).toBeNull();
  });

  it("says why nothing can be explained", async () => {
    await page("explain", {}, (transport) => {
      transport.send = async (command) => {
        if (command.do === "explain") throw new Error("explain writes down plain dense layers");
        return FakeTransport.prototype.send.call(transport, command);
      };
    });
    await fireEvent.click(screen.getByRole("button", { name: "Explain this example" }));
    await settled();
    expect(screen.getByText("explain writes down plain dense layers")).toBeTruthy();
  });

  it("offers a layer of two units where there is none", async () => {
    const { fake } = await page("hidden");
    await fireEvent.click(screen.getByRole("button", { name: "Give layer 2 two units" }));
    const { setup } = fake.sent.findLast(({ do: name }) => name === "change") as unknown as {
      setup: { layers: { units: number }[] };
    };
    expect(setup.layers.map(({ units }) => units)).toEqual([8, 2]);
  });

  it("names a dead unit, shows it in the network, and mends it", async () => {
    const layers = [{ units: 3, activation: "relu", batch_norm: false, dropout: 0 }];
    const { fake, playground } = await page("flow", { layers });
    playground.receive({
      header: { ...playground.snapshot!.header, dead: [[1, 1, "dead: …", -3, -1]] },
      arrays: {
        ...playground.snapshot!.arrays,
        flow: { shape: [2, 3], values: Float32Array.from([0.1, 0.01, 0.33, 0.2, 0.01, 0]) },
      },
    } as unknown as Message);
    await settled();
    expect(screen.getByText(/Unit 2 of layer 1 is dead/)).toBeTruthy();
    await fireEvent.click(screen.getByRole("button", { name: "Show it in the network" }));
    expect(playground.highlight.role("u1.1")).toBe("target");
    await fireEvent.click(screen.getByRole("button", { name: "Leaky ReLU in layer 1" }));
    await settled();
    expect(playground.highlight.current, "mended: nothing is pointed at").toBeNull();
    expect(fake.sent.at(-1)).toMatchObject({
      do: "change",
      setup: { layers: [{ units: 3, activation: "leaky_relu" }] },
    });
  });

  it("races those that are chosen", async () => {
    const { fake, playground } = await page("race");
    await fireEvent.click(screen.getByRole("button", { name: "Start the race" }));
    expect(fake.sent.at(-1)).toMatchObject({
      do: "race",
      epochs: 100,
      optimizers: [{ name: "sgd" }, { name: "adam" }],
    });
    playground.receive({
      header: {
        type: "race",
        id: 9,
        names: ["sgd", "adam"],
        optimizers: [
          { name: "sgd", learning_rate: 0.1 },
          { name: "adam", learning_rate: 0.01 },
        ],
        epoch: 1,
        epochs: 1,
        finished: true,
        failed: {},
      },
      arrays: {
        curve0: { shape: [1, 5], values: Float32Array.from([1, 0.5, 0.5, 0.9, 0.9]) },
        curve1: { shape: [1, 5], values: Float32Array.from([1, 0.25, 0.5, 0.9, 0.9]) },
      },
    });
    await settled();
    expect(screen.getByText(/Adam 0.01 is first with 0.2500/)).toBeTruthy();
    await fireEvent.click(screen.getAllByRole("button", { name: "Use it above" })[0]!);
    expect(fake.sent.at(-1)).toMatchObject({
      do: "change",
      setup: { optimizer: { name: "adam", learning_rate: 0.01 } },
    });
  });

  it("makes a lesson's address and opens one that is pasted", async () => {
    await page("share");
    const address = screen.getByLabelText<HTMLInputElement>("Address of this run");
    await fireEvent.input(screen.getByLabelText("Task, shown above the network"), { target: { value: "Try." } });
    await fireEvent.click(screen.getByRole("checkbox", { name: "Inputs" }));
    expect(fromFragment(address.value.split("#")[1]!)).toMatchObject({ task: "Try.", hide: ["inputs"] });
    await fireEvent.input(screen.getByLabelText("Open a link"), { target: { value: "nonsense!" } });
    await fireEvent.click(screen.getByRole("button", { name: "Open" }));
    expect(screen.getByText(/no address of a playground/)).toBeTruthy();
  });
});
