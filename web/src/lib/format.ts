/** Numbers as the page writes them: a true minus sign, as many digits as help, no jumping widths. */

const MINUS = "\u2212";

export function number(value: number | null | undefined, digits = 3): string {
  if (value == null) return "–";
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : `${MINUS}∞`;
  const size = Math.abs(value);
  const text =
    size !== 0 && (size < 10 ** -digits || size >= 1e6)
      ? value.toExponential(Math.max(1, digits - 1))
      : value.toFixed(digits);
  // a rounded -0.000 is a zero
  return (Number(text) === 0 ? text.replace("-", "") : text).replaceAll("-", MINUS);
}

/** For labels in tight places: three digits or so, and what is smaller is a zero. */
export function short(value: number): string {
  const size = Math.abs(value);
  return number(size < 0.005 ? 0 : value, size >= 100 ? 0 : size >= 10 ? 1 : 2);
}

/** A tick beside a chart, in five signs at most: 0.25, 40, 2e8, 5e−4. */
export function brief(value: number): string {
  const size = Math.abs(value);
  const near = size === 0 || (size >= 0.01 && size < 10_000);
  const text = near ? plain(value, 4) : value.toExponential(1).replace(".0e", "e").replace("e+", "e");
  return text.replaceAll("-", MINUS);
}

/** A tick's number, without zeros to spare. */
export function tick(value: number): string {
  const size = Math.abs(value);
  const text = size !== 0 && (size >= 1e5 || size < 1e-3) ? value.toExponential(1) : String(value);
  return text.replaceAll("-", MINUS);
}

/** Long names keep their beginning and their end: "sepal…th_cm". */
export function shortened(name: string, most: number): string {
  if (name.length <= most) return name;
  const end = Math.floor((most - 1) * 0.4);
  return `${name.slice(0, most - 1 - end)}…${name.slice(name.length - end)}`;
}

/** The number as a person would type it: for input fields. */
export function plain(value: number, digits = 6): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(digits))) : "";
}

/** Six significant figures without idle zeros, as the derivations write numbers. */
export function figures(value: number, count = 6): string {
  if (!Number.isFinite(value)) return number(value);
  const size = Math.abs(value);
  const text =
    size !== 0 && (size < 1e-4 || size >= 10 ** count) ? value.toExponential(count - 1) : value.toPrecision(count);
  return text
    .replace(/(\.\d*?)0+(?=e|$)/, "$1")
    .replace(/\.(?=e|$)/, "")
    .replaceAll("-", MINUS);
}

const small = (whole: number, digits: string): string =>
  [...String(whole)].map((sign) => (sign === "-" ? "⁻" : digits[Number(sign)])).join("");
/** A whole number above and below the line: 10⁻³, x₁. */
export const raised = (whole: number): string => small(whole, "⁰¹²³⁴⁵⁶⁷⁸⁹");
export const lowered = (whole: number): string => small(whole, "₀₁₂₃₄₅₆₇₈₉");

/** Two figures at any size, as 3.2·10⁻⁵ where it is far from 1: for gradients. */
export function scientific(value: number, digits = 2): string {
  const size = Math.abs(value);
  if (value === 0 || !Number.isFinite(value) || (size >= 1e-2 && size < 1e4))
    return number(value, size >= 10 ? 1 : digits + 1);
  const [mantissa, power] = value.toExponential(digits - 1).split("e") as [string, string];
  return `${mantissa.replace("-", MINUS)}·10${raised(Number(power))}`;
}

export function percent(share: number | null | undefined, digits = 1): string {
  return share == null || !Number.isFinite(share) ? number(share ?? null) : `${(100 * share).toFixed(digits)} %`;
}

export function whole(value: number): string {
  return Math.floor(value).toLocaleString("en-US").replaceAll(",", "\u2009");
}

export function speed(epochs: number): string {
  return epochs >= 10 ? whole(Math.round(epochs)) : number(epochs, 1);
}

/** `leaky_relu` -> `leaky ReLU` */
export function title(name: string): string {
  return TITLES[name] ?? name.replaceAll("_", " ");
}

/** For the beginning of a label. */
export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

const TITLES: Record<string, string> = {
  relu: "ReLU",
  leaky_relu: "leaky ReLU",
  elu: "ELU",
  selu: "SELU",
  gelu: "GELU",
  sgd: "SGD",
  rmsprop: "RMSProp",
  adam: "Adam",
  adamw: "AdamW",
  nadam: "NAdam",
  adagrad: "AdaGrad",
  nesterov: "Nesterov",
  he_normal: "He normal",
  he_uniform: "He uniform",
  glorot_normal: "Glorot normal",
  glorot_uniform: "Glorot uniform",
  lecun_normal: "LeCun normal",
  lecun_uniform: "LeCun uniform",
  xor: "XOR",
  gauss: "Gauss",
  multi_gauss: "multi-Gauss",
};

/** "x1^2" -> "x₁²", as the page writes inputs; only for show. */
export function pretty(input: string): string {
  return input
    .replace(/\bx(\d+)\b/g, (_, digits: string) => `x${lowered(Number(digits))}`)
    .replace(/\^2\b|\*\*2\b/g, "²")
    .replace(/\^3\b|\*\*3\b/g, "³")
    .replaceAll("*", "·");
}
