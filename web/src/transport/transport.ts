import type { Command, Message, TableInfo } from "./types";

/**
 * "refused": the server is there and does not know this browser (it was started again); "taken": another tab has the
 * session, and this one must not take it back by itself.
 */
export type Connection = "connecting" | "open" | "lost" | "refused" | "taken";

/**
 * What the page needs of whoever trains: a WebSocket today, a notebook's channel tomorrow. Views and stores know this
 * and nothing else.
 */
export interface Transport {
  /** Resolves with the last reply of this command (null if it had none but `done`); rejects with Refused. */
  send(command: Command, onReply?: (message: Message) => void): Promise<Message | null>;
  /** Every message that is no reply: setup, data, history, snapshot, notice. */
  listen(receive: (message: Message) => void): void;
  /** Called at each change of the connection; after "open" the listener says hello. */
  watchConnection(tell: (state: Connection) => void): void;
  upload(session: string, file: File): Promise<TableInfo>;
  importModel(session: string, file: File): Promise<unknown>;
  /** An address that downloads the session's network. */
  exportAddress(session: string, kind: string): string;
  open(): void;
  close(): void;
}
