import type { Theme } from "./colours";

/** Light or dark: the system's choice until the reader makes one, which is kept. */
class ThemeChoice {
  chosen = $state<Theme | null>(null);
  system = $state<Theme>("light");
  current: Theme = $derived(this.chosen ?? this.system);

  start(): void {
    const query = matchMedia("(prefers-color-scheme: dark)");
    const follow = (): void => void (this.system = query.matches ? "dark" : "light");
    follow();
    query.addEventListener("change", follow);
    const kept = localStorage.getItem("theme");
    if (kept === "light" || kept === "dark") this.chosen = kept;
  }

  toggle(): void {
    this.chosen = this.current === "dark" ? "light" : "dark";
    localStorage.setItem("theme", this.chosen);
  }
}

export const theme = new ThemeChoice();

export const calm = (): boolean => matchMedia("(prefers-reduced-motion: reduce)").matches;
