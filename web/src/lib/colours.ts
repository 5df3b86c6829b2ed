/**
 * Colour belongs to the data: orange for less and class 0, blue for more and class 1, a neutral tone at zero. The pair
 * stays apart in every common colour blindness (tests/colours.test.ts simulates them). Mixing is done in OKLab, so that
 * equal steps of a value look like equal steps.
 */
export type Rgb = [number, number, number];
export type Theme = "light" | "dark";

export interface Palette {
  negative: Rgb;
  neutral: Rgb;
  positive: Rgb;
  /** Classes 0, 1, 2 …; the first two are the diverging pair. */
  classes: Rgb[];
}

const hex = (code: string): Rgb => [1, 3, 5].map((i) => parseInt(code.slice(i, i + 2), 16)) as Rgb;

export const PALETTES: Record<Theme, Palette> = {
  light: {
    negative: hex("#d1620a"),
    neutral: hex("#f6f3ec"),
    positive: hex("#1668b3"),
    classes: ["#d1620a", "#1668b3", "#0f9a76", "#b0479a", "#b89400", "#5b5b66", "#7a4a21", "#45a8e0"].map(hex),
  },
  dark: {
    negative: hex("#f58b2e"),
    neutral: hex("#22262b"),
    positive: hex("#3f9cf0"),
    classes: ["#f58b2e", "#3f9cf0", "#35c79d", "#dc7cc6", "#e3c43b", "#a5a5b4", "#b98453", "#8fd3ff"].map(hex),
  },
};

const toLinear = (c: number): number => {
  const s = c / 255;
  return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
};
const fromLinear = (c: number): number => {
  const s = c <= 0.0031308 ? 12.92 * c : 1.055 * c ** (1 / 2.4) - 0.055;
  return Math.round(255 * Math.min(1, Math.max(0, s)));
};

/** Björn Ottosson, "A perceptual color space for image processing", 2020. */
export function toOklab(rgb: Rgb): Rgb {
  const [r, g, b] = rgb.map(toLinear) as Rgb;
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

export function fromOklab([L, a, b]: Rgb): Rgb {
  const l = (L + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (L - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (L - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    fromLinear(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    fromLinear(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    fromLinear(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ];
}

export function mix(from: Rgb, to: Rgb, share: number): Rgb {
  const a = toOklab(from);
  const b = toOklab(to);
  return fromOklab(a.map((value, i) => value + (b[i]! - value) * share) as Rgb);
}

export const css = ([r, g, b]: Rgb): string => `rgb(${r} ${g} ${b})`;

const STEPS = 256;

/** 256 colours from `low` over `middle` to `high`, one after the other as RGB bytes. */
export function ramp(low: Rgb, middle: Rgb, high: Rgb): Uint8ClampedArray {
  const out = new Uint8ClampedArray(3 * STEPS);
  for (let i = 0; i < STEPS; i++) {
    const t = (2 * i) / (STEPS - 1) - 1;
    out.set(t < 0 ? mix(middle, low, -t) : mix(middle, high, t), 3 * i);
  }
  return out;
}

const ramps = new Map<string, Uint8ClampedArray>();

/** The diverging map of a theme; `strength` < 1 leaves room for points of the full colour on top of it. */
export function diverging(theme: Theme, strength = 1): Uint8ClampedArray {
  const key = `${theme} ${strength}`;
  let found = ramps.get(key);
  if (found === undefined) {
    const { negative, neutral, positive } = PALETTES[theme];
    found = ramp(mix(neutral, negative, strength), neutral, mix(neutral, positive, strength));
    ramps.set(key, found);
  }
  return found;
}

/** The colour of t in [-1, 1]; beyond it the end's. */
export function divergingCss(theme: Theme, t: number): string {
  const table = diverging(theme);
  const i = 3 * Math.round(((Math.min(1, Math.max(-1, t)) + 1) / 2) * (STEPS - 1));
  return css([table[i]!, table[i + 1]!, table[i + 2]!]);
}

export function classColour(theme: Theme, index: number): Rgb {
  const { classes } = PALETTES[theme];
  return classes[((index % classes.length) + classes.length) % classes.length]!;
}
