import { describe, expect, it } from "vitest";
import { DEFAULT_VIEW, fromFragment, toFragment } from "../src/state/address";
import { Changes } from "../src/state/changes";
import { History } from "../src/state/history";
import { difference, merge, same } from "../src/state/merge";
import { Notices } from "../src/state/notices.svelte";
import { biasName, flat, place } from "../src/state/theta";
import { Watching } from "../src/state/watching";
import type { Command, PartialSetup, Tensor } from "../src/transport/types";

describe("merge", () => {
  it("merges objects key by key and replaces lists", () => {
    const whole = { data: { kind: "circle", noise: 0.1 }, layers: [{ units: 8 }, { units: 8 }] };
    expect(merge(whole, { data: { noise: 0.3 }, layers: [{ units: 2 }] })).toEqual({
      data: { kind: "circle", noise: 0.3 },
      layers: [{ units: 2 }],
    });
    expect(whole.data.noise).toBe(0.1);
  });

  it("does not carry the numbers of one record into another", () => {
    const whole = { optimizer: { name: "adam", beta1: 0.8 } };
    expect(merge(whole, { optimizer: { name: "sgd" } })).toEqual({ optimizer: { name: "sgd" } });
    expect(merge(whole, { optimizer: { name: "adam", beta2: 0.9 } }).optimizer).toEqual({
      name: "adam",
      beta1: 0.8,
      beta2: 0.9,
    });
  });

  it("the difference is what merging needs", () => {
    const base = { a: 1, b: { c: 2, d: [1, 2] }, e: null };
    const whole = { a: 1, b: { c: 3, d: [1, 2] }, e: { name: "step" } };
    expect(difference(base, whole)).toEqual({ b: { c: 3 }, e: { name: "step" } });
    expect(same(merge(base, difference(base, whole)), whole)).toBe(true);
    expect(difference(base, base)).toEqual({});
  });
});

describe("the address", () => {
  it("holds a state, text beyond ASCII included, in letters an address may have", () => {
    const state = {
      setup: { data: { kind: "spiral" }, l2: 0.01 },
      hide: ["data"],
      task: "Löse die Spirale → 95 % ✓",
      view: { test: false },
    };
    const fragment = toFragment(state);
    expect(fragment).toMatch(/^[\w-]+$/);
    expect(fromFragment(`#${fragment}`)).toEqual(state);
  });

  it("is JSON in base64url, as any other program would write it", () => {
    expect(toFragment({ setup: { seed: 3 } })).toBe(Buffer.from('{"setup":{"seed":3}}').toString("base64url"));
  });

  it("is nothing when empty, and says so when it is cut off", () => {
    expect(fromFragment("")).toBeNull();
    expect(fromFragment("#")).toBeNull();
    expect(() => fromFragment(`#${toFragment({ setup: { seed: 3 } }).slice(0, -3)}`)).toThrow(/cut off/);
    expect(() => fromFragment("#%%%")).toThrow(/cannot be read/);
  });

  it("leaves out what is of the wrong type", () => {
    const text = Buffer.from(
      '{"setup":[1],"hide":["data",7],"task":5,"view":{"test":"yes","panel":"race","x":1}}',
    ).toString("base64url");
    expect(fromFragment(text)).toEqual({ hide: ["data"], view: { panel: "race" } });
    expect(Object.keys(DEFAULT_VIEW)).toContain("panel");
  });
});

describe("history", () => {
  const column = (values: number[]): Tensor => ({ shape: [values.length], values: Float32Array.from(values) });
  const rows = (...epochs: number[]): Float32Array =>
    Float32Array.from(epochs.flatMap((epoch) => [epoch, epoch + 0.1, 0, 0, 1]));

  it("takes a whole curve and rows after it", () => {
    const history = new History();
    const names = ["epochs", "loss_train", "loss_test", "score_train", "score_test"];
    history.replace({
      header: { type: "history" },
      arrays: Object.fromEntries(names.map((name, i) => [name, column([i, i])])),
    });
    expect(history.append(rows(5, 6))).toBe(true);
    expect(history.epochs).toEqual([0, 0, 5, 6]);
    expect(history.curves.score_test).toEqual([4, 4, 1, 1]);
    expect(history.append(new Float32Array())).toBe(false);
  });

  it("goes back when the run does", () => {
    const history = new History();
    history.append(rows(1, 2, 3, 4));
    history.append(rows(3));
    expect(history.epochs).toEqual([1, 2, 3]);
  });

  it("thins a long curve and keeps its ends", () => {
    const history = new History();
    history.append(rows(...Array.from({ length: 2500 }, (_, i) => i)));
    expect(history.epochs.length).toBeLessThan(2000);
    expect([history.epochs[0], history.epochs.at(-1)]).toEqual([0, 2499]);
    expect(history.curves.loss_train.length).toBe(history.epochs.length);
  });
});

describe("changes", () => {
  it("sends one at a time and merges what waits", async () => {
    const sent: PartialSetup[] = [];
    const gates: (() => void)[] = [];
    const changes = new Changes(
      (partial) => {
        sent.push(partial);
        return new Promise<void>((resolve) => gates.push(resolve));
      },
      () => {},
    );
    const all = changes.push({ l2: 0.1 });
    void changes.push({ l2: 0.2 });
    void changes.push({ data: { noise: 0.3 } });
    void changes.push({ l2: 0.4 });
    expect(changes.waiting).toEqual({ l2: 0.4, data: { noise: 0.3 } });
    gates[0]!();
    await new Promise((resolve) => setTimeout(resolve));
    gates[1]!();
    await all;
    expect(sent).toEqual([{ l2: 0.1 }, { l2: 0.4, data: { noise: 0.3 } }]);
  });

  it("goes on after a refusal", async () => {
    const failed: string[] = [];
    const changes = new Changes(
      ({ l2 }) => (l2 === -1 ? Promise.reject(new Error("no")) : Promise.resolve()),
      (error) => failed.push(error.message),
    );
    await changes.push({ l2: -1 });
    await changes.push({ l2: 1 });
    expect(failed).toEqual(["no"]);
  });
});

describe("theta", () => {
  const tensors = place([
    { name: "W1", shape: [3, 2], frozen: false },
    { name: "b1", shape: [3], frozen: false },
    { name: "W2", shape: [1, 3], frozen: true },
    { name: "beta2", shape: [1], frozen: false },
  ]);

  it("names each number's place, row by row", () => {
    expect([...tensors.values()].map(({ offset }) => offset)).toEqual([0, 6, 9, 12]);
    expect(flat(tensors.get("W1")!, [2, 1])).toBe(5);
    expect(flat(tensors.get("b1")!, [1])).toBe(7);
    expect(flat(tensors.get("W2")!, [0, 2])).toBe(11);
  });

  it("knows what stands for a bias after batch normalization", () => {
    expect([biasName(1, tensors), biasName(2, tensors)]).toEqual(["b1", "beta2"]);
  });
});

describe("notices", () => {
  it("are the last three, each once, and what passes goes when all is done", () => {
    const notices = new Notices();
    for (const text of ["a", "b", "a", "c", "d"]) notices.tell("info", text);
    expect(notices.list.map(({ text }) => text)).toEqual(["a", "c", "d"]);
    notices.tell("info", "wait", { passing: true });
    notices.allDone();
    expect(notices.list.map(({ text }) => text)).toEqual(["c", "d"]);
    notices.dismiss(notices.list[0]!.key);
    expect(notices.list.map(({ text }) => text)).toEqual(["d"]);
  });
});

describe("what is watched", () => {
  it("keeps the panel's wish when a unit is looked at, and says it all again to a new server", async () => {
    const sent: Command[] = [];
    const watching = new Watching(async (command) => sent.push(command));
    await watching.watch(["histograms"]);
    await watching.look("2.3");
    await watching.look("2.3");
    await watching.watch();
    const all = ["surface", "units", "flow", "histograms"];
    expect(sent).toEqual([
      { do: "watch", what: all, size: 60, unit: null },
      { do: "watch", unit: "2.3" },
      { do: "watch", what: all, size: 60, unit: "2.3" },
    ]);
  });
});
