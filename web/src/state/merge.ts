/**
 * Partial setups: objects merge key by key, lists and everything else replace; so does a record of another name, whose
 * numbers are its own. The server merges the same way.
 */

type Json = unknown;

export function isObject(value: Json): value is Record<string, Json> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function merge<T>(whole: T, partial: unknown): T {
  if (!isObject(whole) || !isObject(partial)) return (partial === undefined ? whole : partial) as T;
  if ("name" in partial && whole.name !== partial.name) return partial as T;
  const merged: Record<string, Json> = { ...whole };
  for (const [key, value] of Object.entries(partial)) merged[key] = key in whole ? merge(whole[key], value) : value;
  return merged as T;
}

export function same(a: Json, b: Json): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, i) => same(item, b[i]));
  if (!isObject(a) || !isObject(b)) return Object.is(a, b);
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => key in b && same(a[key], b[key]));
}

/** The smallest partial that turns `base` into `whole` (keys that only `base` has stay as they are). */
export function difference(base: Json, whole: Json): Json {
  if (!isObject(base) || !isObject(whole)) return whole;
  const out: Record<string, Json> = {};
  for (const [key, value] of Object.entries(whole)) {
    if (same(base[key], value)) continue;
    out[key] = key in base ? difference(base[key], value) : value;
  }
  return out;
}
