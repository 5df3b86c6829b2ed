/**
 * The page's state in the address, after the `#`: compact JSON in base64url. The server never sees it, a bookmark
 * keeps it, and a teacher can send it, with a task and with controls hidden.
 */
import type { PartialSetup, Setup } from "../transport/types";
import { difference, isObject } from "./merge";

export interface View {
  test?: boolean;
  discrete?: boolean;
  panel?: string;
  /** Epochs a second when playing; 0 for as many as possible. */
  speed?: number;
}

export const DEFAULT_VIEW: Required<View> = { test: true, discrete: false, panel: "histograms", speed: 20 };

export interface PageState {
  setup?: PartialSetup;
  /** Names of controls a teacher hides: see HIDEABLE in state/lesson.ts. */
  hide?: string[];
  /** What the pupil is to do, as plain text above the network. */
  task?: string;
  view?: View;
}

interface Page {
  setup: Setup | null;
  /** The setup that goes without saying. */
  usual: Setup | null;
  hide: string[];
  task: string;
  view: Required<View>;
}

/** What the address must say: what differs from the usual setup and view, and what a teacher said. */
export function pageState({ setup, usual, hide, task, view }: Page): PageState {
  const parts: [keyof PageState, object | string][] = [
    ["setup", setup && usual ? (difference(usual, setup) as PartialSetup) : {}],
    ["hide", hide],
    ["task", task],
    ["view", difference(DEFAULT_VIEW, view) as View],
  ];
  return Object.fromEntries(parts.filter(([, said]) => Object.keys(said).length > 0));
}

export function toFragment(state: PageState): string {
  const bytes = new TextEncoder().encode(JSON.stringify(state));
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** Null for no state; an Error's message for one that cannot be read. */
export function fromFragment(fragment: string): PageState | null {
  const text = fragment.replace(/^#/, "");
  if (text === "") return null;
  let state: unknown;
  try {
    const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    state = JSON.parse(
      new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(binary, (c) => c.charCodeAt(0))),
    );
  } catch {
    throw new Error(
      "The address holds a state that cannot be read; it may have been cut off. This is the usual start.",
    );
  }
  return isObject(state) ? checked(state) : null;
}

function checked(state: Record<string, unknown>): PageState {
  const out: PageState = {};
  if (isObject(state.setup)) out.setup = state.setup as PartialSetup;
  if (Array.isArray(state.hide)) out.hide = state.hide.filter((name) => typeof name === "string");
  if (typeof state.task === "string") out.task = state.task.slice(0, 2000);
  if (isObject(state.view)) out.view = checkedView(state.view);
  return out;
}

/** Only what is known, and of the right type. */
function checkedView(view: Record<string, unknown>): View {
  const entries = Object.entries(DEFAULT_VIEW).filter(([key, usual]) => typeof view[key] === typeof usual);
  return Object.fromEntries(entries.map(([key]) => [key, view[key]]));
}
