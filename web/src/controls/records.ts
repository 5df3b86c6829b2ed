/** Registries as the choices of a control. */
import { title } from "../lib/format";
import type { Named, Parameter, RecordInfo } from "../transport/types";
import type { Option } from "./Select.svelte";

export function options(records: RecordInfo[], before: Option[] = []): Option[] {
  return [
    ...before,
    ...records.map(({ name, title: own, about }) => ({ value: name, text: own ?? title(name), about })),
  ];
}

export const parametersOf = (records: RecordInfo[], name: string): Parameter[] =>
  records.find((record) => record.name === name)?.parameters ?? [];

/**
 * Another record: its own numbers at their defaults. What both have by name is kept (the learning rate above all),
 * unless it still stands at the old record's default.
 */
export function exchange(records: RecordInfo[], old: Named | null, name: string): Named {
  const before = parametersOf(records, old?.name ?? "");
  const chosen: Named = { name };
  for (const parameter of parametersOf(records, name)) {
    const mine = before.find((other) => other.name === parameter.name);
    const kept = old?.[parameter.name];
    const touched = kept !== undefined && mine !== undefined && kept !== mine.default;
    if (touched) chosen[parameter.name] = kept;
    else if (parameter.name === "learning_rate") chosen[parameter.name] = parameter.default;
  }
  return chosen;
}
