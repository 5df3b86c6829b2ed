/** Addresses that carry a setup, and a lesson: what to do, and which controls the pupil does not see. */
import { fromFragment, toFragment, type PageState } from "../../state/address";

export interface Lesson {
  task: string;
  hide: string[];
}

export function lessonFragment(state: PageState, { task, hide }: Lesson): string {
  const { panel: _, ...view } = state.view ?? {};
  const shared: PageState = {};
  if (state.setup) shared.setup = state.setup;
  if (hide.length > 0) shared.hide = hide;
  if (task.trim() !== "") shared.task = task.trim();
  if (Object.keys(view).length > 0) shared.view = view;
  return toFragment(shared);
}

/** The part after the # of what somebody pasted: a whole address or that part alone; an Error says what it lacks. */
export function pasted(text: string): string {
  const trimmed = text.trim();
  const fragment = trimmed.includes("#") ? trimmed.slice(trimmed.indexOf("#") + 1) : trimmed;
  const state = /^[\w-]+$/.test(fragment) ? fromFragment(fragment) : null;
  if (state === null) throw new Error("This is no address of a playground: the part after its # is missing.");
  return fragment;
}
