/** Keys of the whole page. What is typed, chosen or moved in a control stays there. */
import type { Playground } from "../state/playground.svelte";
import type { StepUnit } from "../transport/types";

const TYPED = "input:not([type=checkbox]):not([type=radio]), select, textarea, [contenteditable], dialog";
const UNITS: StepUnit[] = ["example", "batch", "epoch"];

/**
 * Whether the focus came by key. A browser shows a focus ring as soon as any key is pressed, so it must be asked when
 * the focus comes, not later: who clicked a button and then presses Space wants to play, not to press it again.
 */
let focusedByKey = false;

export function watchFocus(event: FocusEvent): void {
  focusedByKey = event.target instanceof Element && event.target.matches(":focus-visible");
}

export interface Actions {
  help: () => void;
}

export function handleKey(event: KeyboardEvent, playground: Playground, { help }: Actions): void {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  const at = event.target instanceof Element ? event.target : null;
  if (at?.closest(TYPED)) return;
  // a control that shows the focus is being used by key: Space presses it
  if (event.key === " " && focusedByKey && at?.matches("button, [role=button], input, summary, a")) return;
  const action = actionOf(event.key, playground, help);
  if (!action) return;
  event.preventDefault();
  action();
}

function actionOf(key: string, playground: Playground, help: () => void): (() => unknown) | undefined {
  const actions: Record<string, () => unknown> = {
    " ": playground.toggle,
    ArrowRight: () => playground.step(),
    ArrowLeft: () => playground.step(true),
    r: playground.reset,
    n: playground.newWeights,
    u: playground.undo,
    e: () => (playground.stepUnit = UNITS[(UNITS.indexOf(playground.stepUnit) + 1) % UNITS.length]!),
    d: () => playground.shows("draw") && (playground.drawing = !playground.drawing),
    t: () => (playground.view.test = !playground.view.test),
    "?": help,
  };
  return actions[key.length === 1 ? key.toLowerCase() : key];
}
