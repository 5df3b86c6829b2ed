/** The panels below the network, in the order of their tabs. A new panel is one component and one line here. */
import type { Component } from "svelte";
import type { Playground } from "../state/playground.svelte";
import Confusion from "./Confusion.svelte";
import Explain from "./Explain.svelte";
import Flow from "./Flow.svelte";
import Graph from "./Graph.svelte";
import Hidden from "./Hidden.svelte";
import Histograms from "./Histograms.svelte";
import Race from "./Race.svelte";
import Share from "./Share.svelte";
import { idleNews } from "./layers/idle";

export interface Panel {
  id: string;
  title: string;
  /** One sentence in the words of the lectures: the tab's tooltip. */
  about: string;
  component: Component;
  /** What snapshots carry while the panel is open. */
  watch: string[];
  /** Whether the panel makes sense for this run; otherwise its tab is not shown. */
  fits?: (playground: Playground) => boolean;
  /** What is worth a look there, in few words: a mark on the tab. */
  news?: (playground: Playground) => string | null;
}

export const PANELS: Panel[] = [
  {
    id: "histograms",
    title: "Histograms",
    about: "How the activations and the gradients of each layer are spread.",
    component: Histograms,
    watch: ["histograms"],
  },
  {
    id: "flow",
    title: "Gradient flow",
    about: "How large the gradient is in each layer, and which units are dead or saturated.",
    component: Flow,
    watch: [],
    news: ({ snapshot }) => idleNews(snapshot?.header.dead ?? []),
  },
  {
    id: "mistakes",
    title: "Mistakes",
    about: "Which classes are taken for which, or how far predictions lie from the truth.",
    component: Confusion,
    watch: ["confusion", "residuals"],
  },
  {
    id: "hidden",
    title: "Hidden space",
    about: "The data as a layer of two units sees them, with the grid it has bent.",
    component: Hidden,
    watch: ["hidden"],
  },
  {
    id: "explain",
    title: "Explain",
    about: "Forward, loss, backward and update for one example, with the numbers put into the formulas.",
    component: Explain,
    watch: [],
  },
  {
    id: "graph",
    title: "Graph",
    about: "The computational graph of one example: every operation with its value and its gradient.",
    component: Graph,
    watch: [],
  },
  {
    id: "race",
    title: "Race",
    about: "Several optimizers run from the same initial weights.",
    component: Race,
    watch: [],
  },
  {
    id: "share",
    title: "Share and export",
    about: "The address of this run, a lesson for pupils, files and code.",
    component: Share,
    watch: [],
  },
];
