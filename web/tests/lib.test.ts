import { describe, expect, it } from "vitest";
import { brief, number, percent, plain, pretty, short, shortened, tick, title, whole } from "../src/lib/format";
import { exchange } from "../src/controls/records";
import { LEARNING_RATES } from "../src/controls/stops";
import { along, arrange, nearestEdge, strokeWidth } from "../src/network/layout";
import { paintClasses, paintDiverging } from "../src/surface/heatmap";
import { nearestPoint, toPlane, toScreen } from "../src/surface/points";
import { ticks } from "../src/surface/ticks";
import { PALETTES } from "../src/lib/colours";

describe("numbers as text", () => {
  it.each([
    [0.12345, "0.123"],
    [-0.5, "−0.500"],
    [-0.00001, "−1.00e−5"],
    [0, "0.000"],
    [-0.0, "0.000"],
    [1234567, "1.23e+6"],
    [NaN, "NaN"],
    [Infinity, "∞"],
    [-Infinity, "−∞"],
    [null, "–"],
  ])("%d -> %s", (value, text) => expect(number(value)).toBe(text));

  it("short, whole, percent, plain, ticks, names", () => {
    expect([0.001, -0.004, 1.234, -12.34, 123.4].map(short)).toEqual(["0.00", "0.00", "1.23", "−12.3", "123"]);
    expect([whole(12.9), whole(1234567)]).toEqual(["12", "1\u2009234\u2009567"]);
    expect([percent(0.9567), percent(NaN), percent(null)]).toEqual(["95.7 %", "NaN", "–"]);
    expect([plain(0.1 + 0.2), plain(1e-8), plain(NaN)]).toEqual(["0.3", "1e-8", ""]);
    expect([tick(-5), tick(0.25), tick(200000)]).toEqual(["−5", "0.25", "2.0e+5"]);
    expect([0, 0.25, -0.015, 40, 2e8, 2.5e7, 5e-4, 1e-3].map(brief)).toEqual([
      "0",
      "0.25",
      "−0.015",
      "40",
      "2e8",
      "2.5e7",
      "5e−4",
      "1e−3",
    ]);
    expect([pretty("x1^2"), pretty("x1*x2"), pretty("sin(x1)"), pretty("max1")]).toEqual([
      "x₁²",
      "x₁·x₂",
      "sin(x₁)",
      "max1",
    ]);
    expect([title("leaky_relu"), title("cross_entropy")]).toEqual(["leaky ReLU", "cross entropy"]);
    expect([shortened("sepal_length_cm", 9), shortened("short", 9)]).toEqual(["sepal…_cm", "short"]);
  });
});

describe("the layout", () => {
  const room = { width: 700, height: 500, left: 80, right: 60 };

  it("keeps all units inside, apart, and joins each with each of the layer before", () => {
    const { columns, edges } = arrange([2, 8, 5, 3], room);
    expect(columns.map(({ boxes }) => boxes.length)).toEqual([2, 8, 5, 3]);
    expect(edges.length).toBe(2 * 8 + 8 * 5 + 5 * 3);
    for (const { boxes } of columns) {
      boxes.forEach(({ x, y, size }, i) => {
        expect(y - size / 2).toBeGreaterThanOrEqual(0);
        expect(y + size / 2).toBeLessThanOrEqual(room.height);
        expect(x).toBeGreaterThanOrEqual(room.left - 0.01);
        if (i > 0) expect(y - boxes[i - 1]!.y).toBeGreaterThan(size);
      });
    }
  });

  it("says how many units found no room", () => {
    const { columns } = arrange([2, 64, 1], room);
    expect(columns[1]!.boxes.length + columns[1]!.more).toBe(64);
    expect(columns[1]!.more).toBeGreaterThan(0);
  });

  it("finds the curve under a place, and none far away", () => {
    const { edges } = arrange([2, 3, 1], room);
    for (const edge of edges) {
      const [x, y] = along(edge, 0.15);
      expect(nearestEdge(edges, x, y + 0.3, 5)).toBe(edge);
    }
    expect(nearestEdge(edges, 5, 5, 5)).toBeNull();
  });

  it("draws larger weights wider, within bounds", () => {
    const widths = [0, 0.1, 0.5, 1, 3, 10, 1000].map(strokeWidth);
    expect([...widths].sort((a, b) => a - b)).toEqual(widths);
    expect(widths[0]).toBeGreaterThan(0);
    expect(widths.at(-1)).toBeLessThanOrEqual(5);
  });
});

describe("heatmaps", () => {
  it("paints the ends in the palette's colours and a NaN as a hole", () => {
    const out = new Uint8ClampedArray(16);
    paintDiverging([-1, 1, NaN, 99], { low: -1, high: 1 }, { theme: "light" }, out);
    expect([...out.subarray(0, 4)]).toEqual([...PALETTES.light.negative, 255]);
    expect([...out.subarray(4, 8)]).toEqual([...PALETTES.light.positive, 255]);
    expect(out[11]).toBe(0);
    expect([...out.subarray(12, 15)]).toEqual(PALETTES.light.positive);
  });

  it("paints the likeliest class, paler the less sure", () => {
    const out = new Uint8ClampedArray(8);
    paintClasses(Float32Array.from([0, 1 / 3, 0, 1 / 3, 1, 1 / 3]), 3, { theme: "light" }, out);
    expect([...out.subarray(0, 3)]).toEqual(PALETTES.light.classes[2]);
    expect([...out.subarray(4, 7)]).toEqual(PALETTES.light.neutral);
  });
});

describe("the plane", () => {
  const frame = { width: 300, height: 200, across: { low: -6, high: 6 }, up: { low: -2, high: 2 } };

  it("goes to the screen and back", () => {
    expect(toScreen(frame, -6, 2)).toEqual([0, 0]);
    expect(toScreen(frame, 6, -2)).toEqual([300, 200]);
    const [x, y] = toPlane(frame, ...toScreen(frame, 1.5, -0.7));
    expect([x, y]).toEqual([expect.closeTo(1.5, 9), expect.closeTo(-0.7, 9)]);
  });

  it("finds the nearest point within reach", () => {
    const points = Float32Array.from([0, 0, 1, 1]);
    const [x, y] = toScreen(frame, 0.9, 0.9);
    expect(nearestPoint(frame, points, x, y, 20)).toBe(1);
    expect(nearestPoint(frame, points, 0, 0, 20)).toBe(-1);
  });

  it("has round ticks", () => {
    expect(ticks(-6, 6)).toEqual([-5, 0, 5]);
    expect(ticks(0, 1)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
    expect(ticks(3, 3)).toEqual([]);
  });
});

describe("records", () => {
  const records = [
    { name: "sgd", parameters: [{ name: "learning_rate", default: 0.1 }] },
    {
      name: "adam",
      parameters: [
        { name: "learning_rate", default: 0.001 },
        { name: "beta1", default: 0.9 },
      ],
    },
  ];

  it("keeps a learning rate that was chosen, and takes the new default otherwise", () => {
    expect(exchange(records, { name: "sgd", learning_rate: 0.5 }, "adam")).toEqual({
      name: "adam",
      learning_rate: 0.5,
    });
    expect(exchange(records, { name: "sgd", learning_rate: 0.1 }, "adam")).toEqual({
      name: "adam",
      learning_rate: 0.001,
    });
    expect(exchange(records, { name: "adam", learning_rate: 0.2, beta1: 0.5 }, "sgd")).toEqual({
      name: "sgd",
      learning_rate: 0.2,
    });
  });

  it("offers learning rates in rising order", () => {
    expect([...LEARNING_RATES].sort((a, b) => a - b)).toEqual(LEARNING_RATES);
    expect(LEARNING_RATES).toContain(0.03);
  });
});
