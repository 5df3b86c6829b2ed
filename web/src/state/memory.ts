import type { PartialSetup } from "../transport/types";
import { fromFragment, toFragment, type PageState } from "./address";

/** What a reload remembers: the session, and the address that it belongs to. */
export class Memory {
  constructor(private readonly store: Storage | null) {}

  keepSession(session: string): void {
    this.store?.setItem("session", session);
  }

  /** Called whenever the address was written. */
  keepAddress(fragment: string): void {
    this.store?.setItem("address", toFragment(fromFragment(fragment) ?? {}));
  }

  /**
   * The session to join, and the setup to begin with if the server no longer has it. The stored session is joined only
   * if the address still says the same: another address is another run.
   */
  greeting(wished: PageState): { session: string | null; setup: PartialSetup } {
    const session = this.store?.getItem("session") ?? null;
    const sameAddress = this.store?.getItem("address") === toFragment(wished);
    return { session: sameAddress ? session : null, setup: wished.setup ?? {} };
  }
}
