import type { Notice } from "../transport/types";

export interface Told extends Notice {
  key: number;
}

const MOST = 3;

/** What must be said: the last few lines, each once. */
export class Notices {
  list = $state.raw<Told[]>([]);
  private keys = 0;

  tell(level: Notice["level"], text: string, more: Partial<Pick<Notice, "undo" | "passing">> = {}): void {
    const told: Told = { type: "notice", level, text, undo: false, ...more, key: ++this.keys };
    this.list = [...this.list.filter((other) => other.text !== text), told].slice(-MOST);
  }

  dismiss(key: number): void {
    this.list = this.list.filter((notice) => notice.key !== key);
  }

  /** No command is under way any more: what was said of one goes. */
  allDone(): void {
    this.list = this.list.filter(({ passing }) => !passing);
  }
}
