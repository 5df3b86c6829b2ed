import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Playground } from "../src/state/playground.svelte";
import { encodeFrame } from "../src/transport/frames";
import { SocketTransport } from "../src/transport/socket";
import { Unreachable, type Command } from "../src/transport/types";

/** A socket that the test opens, answers and breaks by hand. */
class HandSocket {
  static readonly OPEN = 1;
  static all: HandSocket[] = [];
  readyState = 0;
  binaryType = "";
  sent: Command[] = [];
  onopen: () => void = () => {};
  onmessage: (event: { data: ArrayBuffer }) => void = () => {};
  onclose: (event: { code: number }) => void = () => {};

  constructor() {
    HandSocket.all.push(this);
  }

  static get last(): HandSocket {
    return this.all.at(-1)!;
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text) as Command);
  }

  opens(): void {
    this.readyState = HandSocket.OPEN;
    this.onopen();
  }

  answers(header: Record<string, unknown>): void {
    this.onmessage({ data: encodeFrame(header, {}) });
  }

  breaks(code = 1006): void {
    this.readyState = 3;
    this.onclose({ code });
  }
}

let status = 200;

beforeEach(() => {
  HandSocket.all = [];
  status = 200;
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", HandSocket);
  vi.stubGlobal("fetch", () => Promise.resolve({ status }));
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

function begun(): Playground {
  const playground = new Playground(new SocketTransport(new URL("http://127.0.0.1:1/")));
  playground.start("");
  return playground;
}

const soon = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

async function joined(playground: Playground): Promise<void> {
  HandSocket.last.opens();
  const { id } = HandSocket.last.sent[0]!;
  HandSocket.last.answers({ type: "done", id });
  await soon();
  expect(playground.connection).toBe("open");
}

describe("the socket", () => {
  it("hears a command that is given before the session is joined, and sends it then", async () => {
    const playground = begun();
    HandSocket.last.opens();
    const done = playground.step();
    await soon();
    expect(HandSocket.last.sent.map((command) => command.do)).toEqual(["hello"]);
    HandSocket.last.answers({ type: "done", id: HandSocket.last.sent[0]!.id });
    await soon();
    const step = HandSocket.last.sent.find((command) => command.do === "step")!;
    HandSocket.last.answers({ type: "done", id: step.id });
    expect(await done).toBe(true);
  });

  it("says once that the connection is lost, whatever was under way, and nothing of it when it is back", async () => {
    const playground = begun();
    await joined(playground);
    const done = playground.play();
    await soon();
    HandSocket.last.breaks();
    expect(playground.connection).toBe("lost");
    expect(await done).toBe(false);
    expect(await playground.step()).toBe(false);
    await vi.advanceTimersByTimeAsync(250);
    expect(HandSocket.all).toHaveLength(2);
    HandSocket.last.opens();
    HandSocket.last.breaks(); // while it says hello
    await vi.advanceTimersByTimeAsync(250);
    await joined(playground);
    expect(playground.notices.list).toEqual([]);
  });

  it("rejects what is under way, and what comes after, with the same word", async () => {
    const playground = begun();
    await joined(playground);
    const under = expect(playground.send({ do: "graph", example: 0 })).rejects.toThrow(Unreachable);
    await soon();
    HandSocket.last.breaks();
    await under;
    await expect(playground.send({ do: "graph", example: 0 })).rejects.toThrow(Unreachable);
  });

  it("asks why it is not let in, and tries again at growing distances", async () => {
    const playground = begun();
    status = 403;
    HandSocket.last.breaks();
    await soon();
    expect(playground.connection).toBe("refused");
    for (const delay of [250, 500, 1000, 2000, 4000, 4000]) {
      const before = HandSocket.all.length;
      await vi.advanceTimersByTimeAsync(delay - 1);
      expect(HandSocket.all).toHaveLength(before);
      await vi.advanceTimersByTimeAsync(1);
      expect(HandSocket.all).toHaveLength(before + 1);
      HandSocket.last.breaks();
      expect(playground.connection).toBe("refused");
      await soon();
    }
  });

  it("does not take a run back from another tab by itself", async () => {
    const playground = begun();
    await joined(playground);
    HandSocket.last.breaks(4001);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(playground.connection).toBe("taken");
    expect(HandSocket.all).toHaveLength(1);
  });
});
