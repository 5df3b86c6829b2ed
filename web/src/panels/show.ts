/** Bringing a panel into sight, whoever asks for it: its tab, or a part of the network that has more to say. */
import { tick } from "svelte";
import { calm } from "../lib/theme.svelte";
import type { Playground } from "../state/playground.svelte";

/** The share of the window that an opened panel gets; its least height in Panels.svelte says the same. */
const SEEN = 0.46;

/** With as much of the network above it as fits. */
export async function showPanel(playground: Playground, id: string): Promise<void> {
  playground.view.panel = id;
  await tick();
  const panel = document.getElementById("panel");
  if (!panel) return;
  const { top, height } = panel.getBoundingClientRect();
  const missing = Math.min(height, SEEN * innerHeight) - (innerHeight - top);
  if (missing > 0) scrollBy({ top: missing, behavior: calm() ? "auto" : "smooth" });
}
