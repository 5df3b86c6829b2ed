import { describe, expect, it } from "vitest";
import { decodeFrame, encodeFrame } from "../src/transport/frames";

const bytes = (...parts: Uint8Array[]): ArrayBuffer => {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out.buffer;
};

describe("frames", () => {
  it("reads a frame written by hand, byte for byte as the protocol says", () => {
    const header = new TextEncoder().encode('{"type":"t","arrays":[{"name":"a","shape":[2]}]}');
    expect(header.length % 4).toBe(0);
    const length = new Uint8Array([header.length, 0, 0, 0]);
    // 1.5 and -2 as little-endian float32
    const numbers = new Uint8Array([0, 0, 0xc0, 0x3f, 0, 0, 0, 0xc0]);
    const message = decodeFrame(bytes(length, header, numbers));
    expect(message.header.type).toBe("t");
    expect([...message.arrays.a!.values]).toEqual([1.5, -2]);
    expect(message.arrays.a!.shape).toEqual([2]);
  });

  it("gives back what it wrote, with text beyond ASCII and an empty array", () => {
    const arrays = {
      theta: { shape: [3], values: Float32Array.from([1, 2, 3]) },
      none: { shape: [0, 5], values: new Float32Array() },
      grid: { shape: [1, 2, 2], values: Float32Array.from([0, -1, NaN, Infinity]) },
    };
    const { header, arrays: read } = decodeFrame(encodeFrame({ type: "snapshot", text: "größer als 0 …" }, arrays));
    expect(header.text).toBe("größer als 0 …");
    for (const [name, { shape, values }] of Object.entries(arrays)) {
      expect(read[name]).toEqual({ shape, values });
    }
  });

  it.each([
    ["nothing", new ArrayBuffer(0), /no header/],
    ["a header longer than its frame", new Uint8Array([9, 0, 0, 0, 32]).buffer, /header of 9 bytes/],
    [
      "an array longer than its frame",
      encodeFrame({ type: "t" }, { a: { shape: [4], values: new Float32Array(2) } }),
      /'a'/,
    ],
  ])("refuses %s", (_, buffer, message) => {
    expect(() => decodeFrame(buffer)).toThrow(message);
  });
});
