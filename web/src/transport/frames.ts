/**
 * Binary frames: uint32 little endian = the header's length in bytes, the header as UTF-8 JSON (padded with spaces, so
 * that the arrays begin at a multiple of four), then float32 arrays one after the other.
 */
import type { Message, Tensor } from "./types";

interface ArrayEntry {
  name: string;
  shape: number[];
}

const count = (shape: number[]): number => shape.reduce((product, side) => product * side, 1);

export function decodeFrame(buffer: ArrayBuffer): Message {
  if (buffer.byteLength < 4) throw new Error(`a frame of ${buffer.byteLength} bytes has no header`);
  const length = new DataView(buffer).getUint32(0, true);
  const start = 4 + length;
  if (start > buffer.byteLength) throw new Error(`a header of ${length} bytes in a frame of ${buffer.byteLength}`);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const arrays: Record<string, Tensor> = {};
  let offset = start;
  for (const { name, shape } of (header.arrays ?? []) as ArrayEntry[]) {
    const size = count(shape);
    if (offset + 4 * size > buffer.byteLength) throw new Error(`array '${name}' ends after its frame`);
    // views need an offset that is a multiple of four; a header without padding is copied instead
    const values =
      offset % 4 === 0
        ? new Float32Array(buffer, offset, size)
        : new Float32Array(buffer.slice(offset, offset + 4 * size));
    arrays[name] = { shape, values };
    offset += 4 * size;
  }
  return { header, arrays };
}

/** The inverse, for tests and for the transport that plays a server. */
export function encodeFrame(header: Record<string, unknown>, arrays: Record<string, Tensor> = {}): ArrayBuffer {
  const entries = Object.entries(arrays).map(([name, { shape }]) => ({ name, shape }));
  const text = new TextEncoder().encode(JSON.stringify({ ...header, arrays: entries }));
  const length = text.length + ((4 - (text.length % 4)) % 4);
  const sizes = Object.values(arrays).map(({ values }) => values.length);
  const buffer = new ArrayBuffer(4 + length + 4 * sizes.reduce((a, b) => a + b, 0));
  const bytes = new Uint8Array(buffer);
  new DataView(buffer).setUint32(0, length, true);
  bytes.fill(32, 4, 4 + length).set(text, 4);
  let offset = 4 + length;
  for (const { values } of Object.values(arrays)) {
    new Float32Array(buffer, offset, values.length).set(values);
    offset += 4 * values.length;
  }
  return buffer;
}
