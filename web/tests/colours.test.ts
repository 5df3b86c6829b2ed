import { describe, expect, it } from "vitest";
import { diverging, divergingCss, fromOklab, mix, PALETTES, toOklab, type Rgb, type Theme } from "../src/lib/colours";

const THEMES: Theme[] = ["light", "dark"];
const linear = (c: number): number => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4);
const gamma = (c: number): number => 255 * (c <= 0.0031308 ? 12.92 * c : 1.055 * Math.max(0, c) ** (1 / 2.4) - 0.055);

/** Machado, Oliveira, Fernandes (2009), severity 1.0: what people without M, L or S cones see. */
const BLINDNESS: Record<string, number[][]> = {
  none: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

const seen = (rgb: Rgb, kind: string): Rgb => {
  const [r, g, b] = rgb.map(linear) as Rgb;
  return BLINDNESS[kind]!.map((row) =>
    Math.min(255, Math.max(0, gamma(row[0]! * r + row[1]! * g + row[2]! * b))),
  ) as Rgb;
};
const distance = (a: Rgb, b: Rgb): number => Math.hypot(...toOklab(a).map((value, i) => value - toOklab(b)[i]!));

describe.each(THEMES)("the %s palette", (theme) => {
  const { negative, neutral, positive, classes } = PALETTES[theme];

  it.each(Object.keys(BLINDNESS))("keeps orange, neutral and blue apart: %s", (kind) => {
    // 0.02 is about the smallest difference that is seen
    expect(distance(seen(negative, kind), seen(positive, kind))).toBeGreaterThan(0.15);
    expect(distance(seen(negative, kind), seen(neutral, kind))).toBeGreaterThan(0.15);
    expect(distance(seen(positive, kind), seen(neutral, kind))).toBeGreaterThan(0.15);
  });

  it("keeps the first four classes apart without M cones", () => {
    const four = classes.slice(0, 4).map((colour) => seen(colour, "deuteranopia"));
    four.forEach((a, i) => four.slice(i + 1).forEach((b) => expect(distance(a, b)).toBeGreaterThan(0.06)));
  });

  it("begins with the diverging pair", () => {
    expect(classes.slice(0, 2)).toEqual([negative, positive]);
  });

  it("goes from orange over neutral to blue, ever farther from neutral", () => {
    const table = diverging(theme);
    const at = (i: number): Rgb => [table[3 * i]!, table[3 * i + 1]!, table[3 * i + 2]!];
    expect(at(0)).toEqual(negative);
    expect(at(255)).toEqual(positive);
    for (const side of [
      [127, 0],
      [128, 255],
    ] as [number, number][]) {
      const step = Math.sign(side[1] - side[0]);
      for (let i = side[0]; i !== side[1]; i += step) {
        expect(distance(at(i + step), neutral)).toBeGreaterThan(distance(at(i), neutral) - 0.004);
      }
    }
  });
});

it("a test that looks at red and green would fail here", () => {
  const [red, green]: [Rgb, Rgb] = [
    [190, 80, 40],
    [110, 125, 30],
  ];
  expect(distance(red, green)).toBeGreaterThan(0.15);
  expect(distance(seen(red, "deuteranopia"), seen(green, "deuteranopia"))).toBeLessThan(0.15);
});

it("goes to OKLab and back", () => {
  for (const rgb of [
    [0, 0, 0],
    [255, 255, 255],
    [209, 98, 10],
    [22, 104, 179],
    [1, 2, 3],
  ] as Rgb[]) {
    expect(fromOklab(toOklab(rgb))).toEqual(rgb);
  }
  // the values that Björn Ottosson publishes for white and for pure red
  expect(toOklab([255, 255, 255])[0]).toBeCloseTo(1, 4);
  toOklab([255, 0, 0]).forEach((value, i) => expect(value).toBeCloseTo([0.628, 0.2249, 0.1258][i]!, 3));
});

it("mixes and clamps", () => {
  expect(mix([10, 20, 30], [200, 100, 50], 0)).toEqual([10, 20, 30]);
  expect(divergingCss("light", 7)).toBe(divergingCss("light", 1));
  expect(divergingCss("light", -7)).toBe("rgb(209 98 10)");
});
