import type { Playground } from "../state/playground.svelte";
import type { Scale } from "./heatmap";

/** Which outputs are orange, neutral and blue: the range of the output's activation for two classes, of y for numbers. */
export function outputScale({ facts, data }: Playground): Scale {
  if (facts?.task !== "numbers") {
    return facts?.output.activation === "tanh" ? { low: -1, high: 1 } : { low: 0, high: 1 };
  }
  const given = data?.header.y_range;
  if (given && given[1] > given[0]) return { low: given[0], high: given[1] };
  return { low: -1, high: 1 };
}
