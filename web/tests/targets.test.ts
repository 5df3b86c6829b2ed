import { describe, expect, it } from "vitest";
import { biasTarget, nameOf, unitTarget, weightTarget } from "../src/network/targets";
import { Playground } from "../src/state/playground.svelte";
import { FakeTransport } from "../src/transport/fake";

async function begun() {
  const playground = new Playground(new FakeTransport());
  playground.start("");
  await new Promise((resolve) => setTimeout(resolve));
  return playground;
}

describe("what is opened in the network", () => {
  it("is called as the lectures call it", async () => {
    const playground = await begun();
    const names = [0, 1, 3].map((layer) => nameOf({ layer, unit: 0 }, playground));
    expect(names).toEqual(["x₁", "unit 1 of layer 1", "output"]);
  });

  it("is a unit with its bias and all weights that lead into it", async () => {
    const target = unitTarget({ layer: 1, unit: 2 }, 2, await begun());
    expect(target).toMatchObject({ title: "Unit 3 of layer 1", note: "tanh of the weighted sum" });
    expect(target.items).toEqual([
      { label: "bias", tensor: "b1", index: [2] },
      { label: "from x₁", tensor: "W1", index: [2, 0] },
      { label: "from x₂", tensor: "W1", index: [2, 1] },
    ]);
    const output = unitTarget({ layer: 3, unit: 0 }, 8, await begun());
    expect(output.note).toBe("sigmoid of the weighted sum");
    expect(output.items.at(-1)).toEqual({ label: "from unit 8", tensor: "W3", index: [0, 7] });
  });

  it("is one weight or one bias, counted from 1", async () => {
    const playground = await begun();
    const edge = { layer: 2, from: 0, to: 4, x1: 0, y1: 0, x2: 0, y2: 0, path: "" };
    expect(weightTarget(edge, playground)).toEqual({
      title: "Weight W2[5,1]",
      note: "from unit 1 of layer 1 to unit 5 of layer 2",
      items: [{ label: "W2[5,1]", tensor: "W2", index: [4, 0] }],
    });
    expect(biasTarget({ layer: 3, unit: 0 }, playground)).toMatchObject({ title: "Bias b3[1]", note: "of output" });
  });

  it("is a shift where batch normalization has taken the bias away", async () => {
    const playground = await begun();
    const tensors = playground.facts!.tensors.map((own) => (own.name === "b1" ? { ...own, name: "beta1" } : own));
    playground.facts = { ...playground.facts!, tensors };
    expect(unitTarget({ layer: 1, unit: 0 }, 2, playground).items[0]!.label).toBe("shift beta");
    expect(biasTarget({ layer: 1, unit: 0 }, playground).title).toBe("Shift beta1[1]");
  });
});
