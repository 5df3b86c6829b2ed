import type { DataChoice, Facts, Hello, PartialSetup, Setup, TableInfo } from "../transport/types";

/** What the tables need of the page: what is there, and how a choice is sent. */
interface Page {
  readonly hello: Hello | null;
  readonly setup: Setup | null;
  readonly facts: Facts | null;
  change(partial: PartialSetup): Promise<void>;
}

export const idOf = ({ id, table }: TableInfo): string => id ?? table ?? "";

/** The tables that can be learned from: the reader's own first, then the built-in ones. */
export class Tables {
  /** The table that was opened last, though it may not be in use yet. */
  private opened = $state.raw<TableInfo | null>(null);
  private uploads = $state.raw<TableInfo[]>([]);

  constructor(private readonly page: Page) {}

  all: TableInfo[] = $derived.by(() => [...this.uploads, ...(this.page.hello?.tables ?? [])]);
  /** The one whose columns are to be chosen from. */
  current: TableInfo | null = $derived.by(() => this.opened ?? this.page.facts?.table ?? null);

  /** Whether this is the table that is learned from. */
  uses(table: TableInfo | null): boolean {
    const data: DataChoice = this.page.facts!.setup.data;
    return table !== null && data.kind === "table" && data.table === idOf(table);
  }

  /** A table of the reader's own has been uploaded: it is kept, and opened. */
  add(table: TableInfo): Promise<void> {
    this.uploads = [...this.uploads, table];
    return this.open(table);
  }

  /** Begins with the target a table names, or its last column, which most tables mean. */
  open(table: TableInfo): Promise<void> {
    this.opened = table;
    return this.choose(table.target ?? table.columns.at(-1)!.name, null);
  }

  /** `features` null: all but the target. */
  choose(target: string, features: string[] | null): Promise<void> {
    const table = this.current ? idOf(this.current) : undefined;
    const { train_share, seed } = this.page.setup!.data;
    return this.page.change({ data: { kind: "table", table, target, features, axes: null, train_share, seed } });
  }

  /** A table that was opened and could not be used as it was is put away. */
  close(): void {
    this.opened = null;
  }

  /** The server's word has come: what it uses need not be held here. */
  settle(): void {
    if (this.uses(this.opened)) this.close();
  }
}
