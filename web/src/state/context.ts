import { getContext, setContext } from "svelte";
import type { Playground } from "./playground.svelte";

const KEY = Symbol("playground");

export const providePlayground = (playground: Playground): Playground => setContext(KEY, playground);
export const usePlayground = (): Playground => getContext(KEY);
