import { decodeFrame } from "./frames";
import type { Connection, Transport } from "./transport";
import { Refused, Unreachable, type Command, type Message, type TableInfo } from "./types";

const PROTOCOL = "glassnet-1";
/** What answers one command; everything else tells the state and is for all listeners, whoever asked. */
const REPLIES = new Set(["done", "error", "explanation", "graph", "race"]);
/** The server's close code when another tab joins the session. */
const TAKEN_OVER = 4001;
const DELAYS = [250, 500, 1000, 2000, 4000];

interface Waiting {
  resolve: (message: Message | null) => void;
  reject: (error: Error) => void;
  onReply: ((message: Message) => void) | undefined;
  last: Message | null;
}

/** The server of `glassnet play`, through its WebSocket; opens again by itself when the connection breaks. */
export class SocketTransport implements Transport {
  private socket: WebSocket | null = null;
  private waiting = new Map<number, Waiting>();
  private nextId = 1;
  private attempt = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private receive: (message: Message) => void = () => {};
  private tell: (state: Connection) => void = () => {};

  constructor(private readonly base: URL) {}

  listen(receive: (message: Message) => void): void {
    this.receive = receive;
  }

  watchConnection(tell: (state: Connection) => void): void {
    this.tell = tell;
  }

  open(): void {
    const address = new URL("socket", this.base);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    address.hash = "";
    const socket = new WebSocket(address, PROTOCOL);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.attempt = 0;
      this.tell("open");
    };
    socket.onmessage = (event) => this.take(decodeFrame(event.data as ArrayBuffer));
    socket.onclose = ({ code }) => void this.lost(socket, code);
    this.socket = socket;
  }

  close(): void {
    clearTimeout(this.timer);
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }

  send(command: Command, onReply?: (message: Message) => void): Promise<Message | null> {
    const socket = this.socket;
    if (socket?.readyState !== WebSocket.OPEN) return Promise.reject(new Unreachable());
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject, onReply, last: null });
      socket.send(JSON.stringify({ ...command, id }));
    });
  }

  async upload(session: string, file: File): Promise<TableInfo> {
    const query = new URLSearchParams({ session, name: file.name });
    return (await this.post(`upload?${query}`, file)) as TableInfo;
  }

  importModel(session: string, file: File): Promise<unknown> {
    return this.post(`import?${new URLSearchParams({ session })}`, file);
  }

  exportAddress(session: string, kind: string): string {
    return new URL(`export/${kind}?${new URLSearchParams({ session })}`, this.base).href;
  }

  private async post(path: string, body: Blob): Promise<unknown> {
    const headers = { "Content-Type": "application/octet-stream" };
    let response: Response;
    try {
      response = await fetch(new URL(path, this.base), { method: "POST", body, headers });
    } catch {
      throw new Refused("The server does not answer.");
    }
    const reply = await response.json().catch(() => ({ error: `The server answered ${response.status}.` }));
    if (!response.ok || reply.error) throw new Refused(reply.error ?? `The server answered ${response.status}.`);
    return reply;
  }

  private take(message: Message): void {
    const { type, id } = message.header as { type: string; id?: number };
    const waiting = id === undefined || !REPLIES.has(type) ? undefined : this.waiting.get(id);
    if (id === undefined || waiting === undefined) {
      this.receive(message);
    } else if (type === "done") {
      this.waiting.delete(id);
      waiting.resolve(waiting.last);
    } else if (type === "error") {
      this.waiting.delete(id);
      const { message: text, field } = message.header as { message?: string; field?: string | null };
      waiting.reject(new Refused(text ?? "The server refused.", field ?? null));
    } else {
      waiting.last = message;
      waiting.onReply?.(message);
    }
  }

  private async lost(socket: WebSocket, code: number): Promise<void> {
    if (socket !== this.socket) return;
    const first = this.attempt === 0;
    // the state comes first: who hears of a command that came to nothing must know why
    if (code === TAKEN_OVER) this.tell("taken");
    else if (first) this.tell("lost");
    for (const { reject } of this.waiting.values()) reject(new Unreachable());
    this.waiting.clear();
    if (code === TAKEN_OVER) return;
    const refused = await this.isRefused();
    if (socket !== this.socket) return;
    this.tell(refused ? "refused" : "lost");
    const delay = DELAYS[Math.min(this.attempt++, DELAYS.length - 1)]!;
    this.timer = setTimeout(() => this.open(), delay);
  }

  /** A socket does not say why it was not opened; a request does. */
  private async isRefused(): Promise<boolean> {
    try {
      const response = await fetch(this.base, { method: "HEAD", cache: "no-store" });
      return response.status === 401 || response.status === 403;
    } catch {
      return false;
    }
  }
}
